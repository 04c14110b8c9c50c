"""The signature of a graph: what goes in, what comes out, and which axis is the batch."""

from dataclasses import dataclass

from podium_server.elements import Element


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output.

    Attributes:
        name: its name in the ONNX graph.
        element: its element type.
        shape: its axes, outermost first: an int is a fixed length, a str names a dynamic axis, None is a
            dynamic axis without a name. Empty: a scalar.
    """

    name: str
    element: Element
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Uncarried:
    """An input or output that no protocol here carries: a sequence, a map, an optional, an exotic number.

    Attributes:
        name: its name in the ONNX graph.
        type: its type as ONNX Runtime prints it, such as "seq(tensor(int64))".
    """

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A graph's inputs and outputs in the graph's order.

    Attributes:
        inputs: what a run must be fed.
        outputs: what a run gives.
        batched: whether axis 0 of every input and output is the batch, so that rows of several requests
            may share a run.
        uncarried: inputs and outputs that cannot be carried; a graph with any of them is never run.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batched: bool
    uncarried: tuple[Uncarried, ...] = ()
