"""Puts what a package says of its texts into words for people: tokens, states, how it writes unless it is asked."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from podium.v1 import model_manifest_pb2 as pb

_NUM_TOKENS = 20
_UNITS = {
    pb.TEXT_UNIT_CHARACTER: "characters",
    pb.TEXT_UNIT_WORD: "words",
    pb.TEXT_UNIT_LETTER_RUN: "runs of letters",
}
_DECODING = ("temperature", "top_k", "top_p", "repetition_penalty", "max_tokens", "num_beams", "length_penalty")


def text_facts(manifest: pb.ModelManifest) -> Iterator[tuple[str, str]]:
    """Yield what a package says of how it writes, each fact with its name."""
    if not manifest.HasField("generation"):
        return
    generation = manifest.generation
    if generation.HasField("source_tokenizer"):
        yield "source", _tokenizer(generation.source_tokenizer)
    yield "vocabulary", _tokenizer(generation.tokenizer)
    for name, ids in (
        ("starts with", generation.tokenizer.start_ids),
        ("ends with", generation.end_ids),
        ("never written", generation.suppressed_ids),
    ):
        if ids:
            yield name, _named(ids, generation.tokenizer)
    for first, states in groupby(generation.states, key=_first):
        yield "states", f"{', '.join(state.input for state in states)}: at first {first}"
    for context in generation.contexts:
        yield "context", f"{context.input}: the encoder's {context.encoder_output}"
    yield "decoding", _decoding(manifest)


def _tokenizer(tokenizer: pb.Tokenizer) -> str:
    kind = tokenizer.WhichOneof("kind")
    if kind == "bytes":
        return f"the bytes of UTF-8, ids from {tokenizer.bytes.offset}"
    if kind == "hugging_face":
        return f"a tokenizer of Hugging Face, {tokenizer.hugging_face.file}"
    vocabulary = tokenizer.vocabulary
    tokens = [token for token in vocabulary.tokens if token]
    more = f" … {len(tokens):,} in all" if len(tokens) > _NUM_TOKENS else ""
    notes = ["made lower-case"] if vocabulary.lowercase else []
    if vocabulary.HasField("unknown_id"):
        notes.append(f"others are {vocabulary.tokens[vocabulary.unknown_id]!r}")
    shown = " ".join(repr(token) for token in tokens[:_NUM_TOKENS])
    return "; ".join([f"{_UNITS.get(vocabulary.unit, '?')} {shown}{more}", *notes])


def _named(ids: Sequence[int], tokenizer: pb.Tokenizer) -> str:
    """Write ids with their tokens, where there is a list of them."""
    tokens = tokenizer.vocabulary.tokens
    named = [
        f"{number} ({tokens[number]!r})" if number < len(tokens) and tokens[number] else f"{number}" for number in ids
    ]
    more = f", … {len(named):,} in all" if len(named) > _NUM_TOKENS else ""
    return "id " + ", ".join(named[:_NUM_TOKENS]) + more


def _first(state: pb.StepState) -> str:
    return {"encoder_output": "what the encoder gives", "values": "learned"}.get(
        state.WhichOneof("first") or "", "zeros"
    )


def _decoding(manifest: pb.ModelManifest) -> str:
    defaults = manifest.generation.defaults
    given = {name: getattr(defaults, name) for name in _DECODING if defaults.HasField(name)}
    usual = {"temperature": 1 if manifest.task == pb.TASK_TEXT_GENERATION else 0, "max_tokens": 256}
    words = [f"{name.replace('_', ' ')} {value:g}" for name, value in (usual | given).items()]
    return ", ".join(words + [f"stop at {text!r}" for text in defaults.stop])
