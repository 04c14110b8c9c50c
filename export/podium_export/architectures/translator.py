"""What networks that read a text and write another one have in common: two graphs and their manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.v1 import decoding_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architecture import Blueprint, ConfigValue, GraphBlueprint, InputSpec, OutputSpec
from podium_export.architectures.step_model import Context, State, generation_of, step_graph

SOURCE_LENGTHS = (5, 24, 1)
"""The numbers of source tokens that both graphs are tried with."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The tokens on both sides.

    Attributes:
        source: of what is read; its `end_ids` are put behind every source.
        target: of what is written; its `start_ids` begin every sequence.
        end_ids: that end a sequence.
        defaults: how it writes unless a request says otherwise.
    """

    source: pb.Tokenizer
    target: pb.Tokenizer
    end_ids: Sequence[int] = ()
    defaults: decoding_pb2.Decoding | None = None


UNKNOWN_TEXTS = Texts(pb.Tokenizer(), pb.Tokenizer())
"""Before anything is known of the tokens: `--vocabulary` or a recipe says it."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The graphs of a translator.

    Attributes:
        encoder: maps source (B, S) and source_length (B) to the first states and, with attention, the memory (B, S, M)
            and its mask (B, S).
        step: maps tokens, states, and with attention memory and mask, to logits of the last token and the states.
        source_vocabulary_size: tokens that are read.
        vocabulary_size: tokens that are written.
        states: of the step graph, which begin as the encoder's outputs of the same names.
        memory_size: features of the memory, in -1 ... 1; None: without attention.
    """

    encoder: nn.Module
    step: nn.Module
    source_vocabulary_size: int
    vocabulary_size: int
    states: tuple[State, ...]
    memory_size: int | None = None


def translator(halves: Halves, texts: Texts, *, description: str, config: Mapping[str, ConfigValue]) -> Blueprint:
    """Describe a translator."""
    states = halves.states
    contexts = () if halves.memory_size is None else _contexts(halves.memory_size)
    lengths = {"source_time": SOURCE_LENGTHS}
    generation = generation_of(texts.target, states, contexts, end_ids=texts.end_ids, source_tokenizer=texts.source)
    if texts.defaults is not None:
        generation.defaults.CopyFrom(texts.defaults)
    return Blueprint(
        graphs=(
            _encoder_graph(halves, states, contexts),
            step_graph(halves.step, halves.vocabulary_size, states, contexts, lengths=lengths if contexts else None),
        ),
        task=pb.TASK_TRANSLATION,
        description=description,
        config=config,
        generation=generation,
    )


def _contexts(memory_size: int) -> tuple[Context, ...]:
    memory = InputSpec("memory", "float32", ("batch", "source_time", memory_size), -1.0, 1.0)
    mask = InputSpec("memory_mask", "bool", ("batch", "source_time"))
    return tuple(Context(spec, spec.name) for spec in (memory, mask))


def _encoder_graph(halves: Halves, states: Sequence[State], contexts: Sequence[Context]) -> GraphBlueprint:
    source = InputSpec("source", "int64", ("batch", "source_time"), 0, halves.source_vocabulary_size - 1)
    length = InputSpec("source_length", "int64", ("batch",), 1, max(SOURCE_LENGTHS))
    return GraphBlueprint(
        halves.encoder,
        (source, length),
        (
            *(OutputSpec(state.encoder_output, state.shape) for state in states),
            *(OutputSpec(context.encoder_output, context.spec.shape) for context in contexts),
        ),
        name="encoder",
        lengths={"source_time": SOURCE_LENGTHS},
    )
