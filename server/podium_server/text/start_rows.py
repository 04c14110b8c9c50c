"""What the encoder of a captioner or translator says to the step graph: first states and contexts."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_server.signature import Signature, TensorSpec


class StartRows:
    """Which outputs of the encoder are which inputs of the step graph.

    Args:
        generation: what the manifest says.
        step: the signature of the step graph.
        encoder: the signature of the encoder graph; None where there is none.

    Raises:
        ValueError: the two do not fit; the message begins with the field.
    """

    def __init__(self, generation: pb.Generation, step: Signature, encoder: Signature | None) -> None:
        inputs = {spec.name: spec for spec in step.inputs}
        outputs = {} if encoder is None else {spec.name: (i, spec) for i, spec in enumerate(encoder.outputs)}
        self._columns: dict[str, int] = {}
        named: list[tuple[str, pb.StepState | pb.StepContext]] = [
            (f"generation.states[{i}]", state)
            for i, state in enumerate(generation.states)
            if state.WhichOneof("first") == "encoder_output"
        ]
        named += [(f"generation.contexts[{i}]", context) for i, context in enumerate(generation.contexts)]
        for field, part in named:
            if part.input not in inputs:
                raise ValueError(f"{field}.input is '{part.input}'; graph 'step' has no such input")
            if part.encoder_output not in outputs:
                has = ", ".join(f"'{name}'" for name in sorted(outputs)) or "no graph 'encoder'"
                raise ValueError(f"{field}.encoder_output is '{part.encoder_output}'; there is {has}")
            column, output = outputs[part.encoder_output]
            _check_alike(field, inputs[part.input], output)
            self._columns[part.input] = column

    def of(self, outputs: Sequence[NDArray[Any]], row: int) -> Mapping[str, NDArray[Any]]:
        """Take what one row of the encoder's outputs says to a sequence, by the step graph's inputs."""
        return {name: outputs[column][row : row + 1] for name, column in self._columns.items()}


def _check_alike(field: str, step: TensorSpec, output: TensorSpec) -> None:
    fits = step.element == output.element and len(step.shape) == len(output.shape)
    fits = fits and all(
        not isinstance(a, int) or not isinstance(b, int) or a == b
        for a, b in zip(step.shape, output.shape, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{field}: the step graph's '{step.name}' is {list(step.shape)} of {step.element.oip}, and the encoder's "
            f"'{output.name}' is {list(output.shape)} of {output.element.oip}; they must be alike"
        )
