"""A generation that does not add up is refused by the name of its field."""

from collections.abc import Callable

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2
from podium_server.generation.step_compiler import compile_step

from tests.server.generation.networks import H, V, attentive_gru, lstm, spec

FLOAT, INT = tensor_pb2.ELEMENT_TYPE_FLOAT32, tensor_pb2.ELEMENT_TYPE_INT64
Spoil = Callable[[pb.ModelManifest], None]


def manifest() -> pb.ModelManifest:
    """One of an attentive GRU with an encoder, which adds up."""
    return attentive_gru(end_ids=[3, 1, 3]).manifest


def test_what_adds_up_is_compiled() -> None:
    """Axes, orders and ids are those of the manifest, whatever order the graph has them in."""
    m = manifest()
    m.generation.suppressed_ids.append(2)
    inputs = list(m.graphs[0].inputs)
    del m.graphs[0].inputs[:]
    m.graphs[0].inputs.extend(inputs[::-1])  # memory, h, token
    plan = compile_step(m)
    assert plan.vocabulary_size == V
    assert [(state.input, state.axis) for state in plan.states] == [("h", 1)]
    assert plan.contexts == ("memory",)
    assert plan.input_order == (2, 1, 0)
    assert plan.output_order == (0, 1)
    assert (plan.end_ids.tolist(), plan.suppressed_ids.tolist()) == ([1, 3], [2])
    assert plan.states[0].first is not None
    assert plan.states[0].first.shape == (1, 1, H)


def test_learned_first_states_are_read() -> None:
    """Little-endian, with the batch axis of length 1."""
    m = manifest()
    values = np.arange(H, dtype="<f4")
    m.generation.states[0].values.CopyFrom(
        tensor_pb2.Tensor(element_type=FLOAT, shape=[1, 1, H], data=values.tobytes())
    )
    first = compile_step(m).states[0].first
    assert first is not None
    assert first.tolist() == [[values.tolist()]]


def replace(field: str, index: int, new: tensor_pb2.TensorSpec) -> Spoil:
    return lambda m: getattr(m.graphs[0], field)[index].CopyFrom(new)


def state(**fields: object) -> Spoil:
    return lambda m: m.generation.states[0].MergeFrom(pb.StepState(**fields))  # type: ignore[arg-type]


def context(**fields: object) -> Spoil:
    return lambda m: m.generation.contexts[0].MergeFrom(pb.StepContext(**fields))  # type: ignore[arg-type]


def without_encoder(m: pb.ModelManifest) -> None:
    del m.graphs[1]


def without_states(m: pb.ModelManifest) -> None:
    del m.generation.states[:]


def state_twice(m: pb.ModelManifest) -> None:
    m.generation.states.append(m.generation.states[0])


def growing(m: pb.ModelManifest) -> None:
    for tensors in (m.graphs[0].inputs, m.graphs[0].outputs):
        tensors[1].CopyFrom(spec(tensors[1].name, ("past", "batch", H)))


def short_values(m: pb.ModelManifest) -> None:
    m.generation.states[0].values.CopyFrom(tensor_pb2.Tensor(element_type=FLOAT, shape=[1, 1, H], data=b"1234"))


def wide_values(m: pb.ModelManifest) -> None:
    m.generation.states[0].values.CopyFrom(tensor_pb2.Tensor(element_type=FLOAT, shape=[1, 2, H]))


def other_encoder(m: pb.ModelManifest) -> None:
    m.graphs[1].outputs[0].CopyFrom(spec("encoded_memory", ("batch", "source_time", H + 1)))


def renamed_step(m: pb.ModelManifest) -> None:
    m.graphs[0].name = "model"


def without_batch_axis(m: pb.ModelManifest) -> None:
    m.graphs[0].batch_axis = ""


def beyond(m: pb.ModelManifest) -> None:
    m.generation.end_ids.append(V)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (renamed_step, r"generation: needs a graph named 'step'; `graphs` has 'model', 'encoder'"),
        (without_batch_axis, r"graphs: graph 'step' needs a `batch_axis`"),
        (replace("inputs", 0, spec("word", ("batch", "time"), INT)), r"needs an input 'token'; it has 'word', 'h'"),
        (replace("inputs", 0, spec("token", ("batch", "time"))), r"input 'token' of graph 'step' must be of int64"),
        (replace("inputs", 0, spec("token", ("batch", 1), INT)), r"'token'.* has the shape \['batch', 1\]; it must be"),
        (replace("outputs", 0, spec("scores", ("batch", V))), r"needs an output 'logits'; it has 'scores'"),
        (replace("outputs", 0, spec("logits", ("batch", "time", V))), r"'logits'.*\['batch', 'time', 11\]; it must be"),
        (replace("outputs", 0, spec("logits", ("batch", V), INT)), r"'logits'.* must be of a floating-point type"),
        (
            replace("outputs", 1, spec("next_h", (2, "batch", H))),
            r"states\[0\]\.output: 'next_h' is of FP32 \[2,",
        ),
        (replace("inputs", 1, spec("h", (1, "rows", H))), r"states\[0\]\.input: 'h' has the shape .* must be 'batch'"),
        (
            replace("inputs", 2, spec("memory", ("time", "batch", H))),
            r"contexts\[0\]\.input: .* axis 0 must be",
        ),
        (
            state(input="x"),
            r"states\[0\]\.input: 'x' is none of the inputs of graph 'step', which are 'token'",
        ),
        (state(output="x"), r"generation\.states\[0\]\.output: 'x' is none of the outputs of graph 'step'"),
        (state(encoder_output="x"), r"states\[0\]\.encoder_output: 'x' is none of the outputs of graph 'encoder'"),
        (state(encoder_output="encoded_memory"), r"encoder_output: 'encoded_memory' is of FP32 .*; 'h' takes FP32"),
        (context(input="x"), r"generation\.contexts\[0\]\.input: 'x' is none of the inputs"),
        (context(encoder_output="x"), r"generation\.contexts\[0\]\.encoder_output: 'x' is none of the outputs"),
        (
            other_encoder,
            r"contexts\[0\]\.encoder_output: 'encoded_memory' is .* 9\]; 'memory' takes .* 8\]",
        ),
        (without_encoder, r"generation\.contexts\[0\]: 'memory' needs a graph named 'encoder'"),
        (without_states, r"generation\.states and generation\.contexts: nothing is said of the input 'h'"),
        (state_twice, r"the input 'h' is named twice"),
        (growing, r"generation\.states\[0\]: .* a state that begins as zeros needs fixed lengths beside 'batch'"),
        (short_values, r"generation\.states\[0\]\.values: `data` has 4 bytes"),
        (wide_values, r"generation\.states\[0\]\.values: the shape is \[1, 2, 8\]; it must be \[1, 1, 8\]"),
        (beyond, r"generation\.end_ids: 11 is no token; 'logits' has ids 0 … 10"),
    ],
)
def test_what_does_not_add_up_is_refused_by_name(spoil: Spoil, message: str) -> None:
    """The message says which field, what is wrong, and what would be right."""
    m = manifest()
    spoil(m)
    with pytest.raises(ValueError, match=message):
        compile_step(m)


def test_a_package_without_an_encoder_needs_none() -> None:
    """A character model's states begin as zeros."""
    plan = compile_step(lstm().manifest)
    assert [state.axis for state in plan.states] == [0, 0, 0, 0]
    assert all(not first.any() for first in plan.first_states({}))
