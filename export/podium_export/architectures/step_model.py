"""What networks that write tokens have in common: a step graph, its states, an encoder graph, their manifest.

A step graph reads "token" (batch, time), its states and its contexts, and gives "logits" (batch, vocabulary) for the
last of the tokens and the states after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2
from torch import Tensor, nn

from podium_export.architecture import GraphBlueprint, InputSpec, OutputSpec
from podium_export.elements import PROTO_BY_NUMPY

TOKEN_LENGTHS = (1, 7, 32, 1)
"""The numbers of tokens that a step graph is tried with: one a step, and prompts."""
STEP_BATCH_SIZES = (1, 3, 8, 5)
"""The batch sizes that each of them is tried at."""
STATE_BOUND = 4.0
"""How large the numbers of a state are tried, where it is not said: recurrent networks keep theirs small, and thousands
would show no more than how float32 rounds."""


@dataclass(frozen=True, slots=True)
class State:
    """One state of a step graph.

    Attributes:
        name: the graph's input; its output is "next_" and the name.
        shape: its axes with "batch" among them, such as ("batch", 256).
        encoder_output: the encoder's output that it begins as; empty: `first`.
        first: what it begins as, (1, …) as `shape`; None: zeros.
        element_type: numpy's name of its elements' type.
        low: the least value that an element may have; None: not said.
        high: the greatest, the same.
    """

    name: str
    shape: tuple[int | str, ...]
    encoder_output: str = ""
    first: Tensor | None = None
    element_type: str = "float32"
    low: float | None = None
    high: float | None = None

    @property
    def output(self) -> str:
        """The step graph's output that is the next step's input."""
        return f"next_{self.name}"

    def spec(self) -> InputSpec:
        """Describe it as the step graph's input; floats without bounds are tried within ±`STATE_BOUND`."""
        bound = STATE_BOUND if self.element_type.startswith("float") else None
        low = self.low if self.low is not None or bound is None else -bound
        return InputSpec(self.name, self.element_type, self.shape, low, bound if self.high is None else self.high)

    def proto(self) -> pb.StepState:
        """Describe it in a manifest."""
        state = pb.StepState(input=self.name, output=self.output)
        if self.encoder_output:
            state.encoder_output = self.encoder_output
        elif self.first is not None:
            state.values.CopyFrom(_tensor(self.first.detach().cpu().numpy().astype(self.element_type)))
        return state


@dataclass(frozen=True, slots=True)
class Context:
    """What every step of a sequence reads and no step changes.

    Attributes:
        spec: the step graph's input, the batch on axis 0.
        encoder_output: the encoder's output that it is.
    """

    spec: InputSpec
    encoder_output: str

    def proto(self) -> pb.StepContext:
        """Describe it in a manifest."""
        return pb.StepContext(input=self.spec.name, encoder_output=self.encoder_output)


def step_graph(
    module: nn.Module,
    vocabulary_size: int,
    states: Sequence[State],
    contexts: Sequence[Context] = (),
    *,
    lengths: Mapping[str, tuple[int, ...]] | None = None,
) -> GraphBlueprint:
    """Describe the graph "step".

    Args:
        module: maps token (B, T) int64, the states and the contexts, in this order, to logits (B, V) for the last
            token and the states after it, in the same order.
        vocabulary_size: V, the number of tokens read and written.
        states: what a step leaves for the next one.
        contexts: what the encoder says to every step.
        lengths: that other dynamic axes, such as "source_time", are tried at.
    """
    token = InputSpec("token", "int64", ("batch", "time"), 0, vocabulary_size - 1)
    inputs = [state.spec() for state in states]
    return GraphBlueprint(
        module,
        (token, *inputs, *(context.spec for context in contexts)),
        (
            OutputSpec("logits", ("batch", vocabulary_size)),
            *(OutputSpec(state.output, state.shape) for state in states),
        ),
        name="step",
        lengths={"batch": STEP_BATCH_SIZES, "time": TOKEN_LENGTHS, **(lengths or {})},
    )


def generation_of(
    tokenizer: pb.Tokenizer,
    states: Sequence[State],
    contexts: Sequence[Context] = (),
    *,
    end_ids: Sequence[int] = (),
    source_tokenizer: pb.Tokenizer | None = None,
) -> pb.Generation:
    """Say in a manifest how a step graph writes; what else it may say is the caller's to set."""
    return pb.Generation(
        tokenizer=tokenizer,
        source_tokenizer=source_tokenizer,
        states=[state.proto() for state in states],
        contexts=[context.proto() for context in contexts],
        end_ids=end_ids,
    )


def _tensor(array: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]") -> tensor_pb2.Tensor:
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    return tensor_pb2.Tensor(element_type=PROTO_BY_NUMPY[array.dtype.name], shape=array.shape, data=little.tobytes())
