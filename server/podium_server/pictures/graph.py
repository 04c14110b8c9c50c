"""One graph of a picture model: an encoder, a decoder, or both in one that cannot be cut in two."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.signature import Signature, TensorSpec

LABEL = "label"


class PictureGraph:
    """Knows a graph's tensors by name, and feeds them in the graph's order.

    Attributes:
        name: "encoder", "decoder" or "model".
        data: the input that holds pictures or latents.
        drawn: the output of its role: pictures, or the mean of a latent.
        takes_label: whether it has a second input for the class.
        outputs: its outputs by name.
    """

    def __init__(self, name: str, signature: Signature, data: str, output: str) -> None:
        """Compare a graph with its role.

        Args:
            name: the graph's name.
            signature: its inputs and outputs.
            data: the name of the input that holds pictures or latents.
            output: the name of the output that it must have.

        Raises:
            ValueError: it does not have the inputs or outputs of its role.
        """
        inputs = {spec.name: spec for spec in signature.inputs}
        self.outputs: Mapping[str, TensorSpec] = {spec.name: spec for spec in signature.outputs}
        if signature.uncarried or not {data} <= set(inputs) <= {data, LABEL} or output not in self.outputs:
            raise ValueError(
                f"graph '{name}' has the inputs {_names(inputs)} and the outputs {_names(self.outputs)}; it must have "
                f"the input '{data}', '{LABEL}' if it is conditional, and the output '{output}'"
            )
        self.name = name
        self.data = inputs[data]
        self.drawn = output
        self.takes_label = LABEL in inputs
        self._order = [spec.name for spec in signature.inputs]
        self._columns = {spec.name: i for i, spec in enumerate(signature.outputs)}
        self._label = inputs.get(LABEL)
        if self._label is not None and (self._label.element.dtype.kind not in "iu" or len(self._label.shape) != 1):
            raise ValueError(f"input '{LABEL}' of graph '{name}' must hold one integer a row")
        for spec in (self.data, *self.outputs.values()):
            if not spec.element.oip.startswith(("FP", "BF")):
                raise ValueError(f"'{spec.name}' of graph '{name}' must hold floating-point numbers")

    def feed(self, rows: NDArray[Any], classes: NDArray[np.int64] | None) -> tuple[NDArray[Any], ...]:
        """Put a request's arrays in the graph's order.

        Args:
            rows: pictures or latents, (N, …).
            classes: each row's class, (N,); None for graphs that take no label.
        """
        with np.errstate(over="ignore"):  # what half precision cannot hold becomes infinite
            feeds = {self.data.name: rows.astype(self.data.element.dtype, copy=False)}
        if self._label is not None:
            assert classes is not None, "the caller asks for the class first"
            feeds[LABEL] = classes.astype(self._label.element.dtype, copy=False)
        return tuple(feeds[name] for name in self._order)

    def output(self, outputs: tuple[NDArray[Any], ...], name: str) -> NDArray[Any]:
        """Take an output of a run by its name."""
        return outputs[self._columns[name]]


def columns(graph: PictureGraph, spec: TensorSpec) -> int | None:
    """The length of a tensor of one row a picture and one number a dimension; None where it is dynamic.

    Raises:
        ValueError: it has other axes.
    """
    if len(spec.shape) != 2:
        raise ValueError(f"'{spec.name}' of graph '{graph.name}' is {list(spec.shape)}; it must be (batch, dimensions)")
    length = spec.shape[1]
    return length if isinstance(length, int) else None


def _names(of: Mapping[str, object]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(of)) or "none"
