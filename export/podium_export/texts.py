"""Lays the vocabulary and the decoding defaults of the command line over what a network says of how it writes."""

import dataclasses
from collections.abc import Iterable, Sequence

from podium.v1 import model_manifest_pb2 as pb

from podium_export.architecture import Blueprint, GraphBlueprint, OutputSpec
from podium_export.errors import OptionError, VocabularyError
from podium_export.text_flags import TEXT_UNITS, TextFlags
from podium_export.vocabulary import ByteList, TokenizerFile, TokenList, TokenTable, read_vocabulary

_DEFAULTS = ("temperature", "top_k", "top_p", "repetition_penalty", "max_tokens")


def with_texts(blueprint: Blueprint, flags: TextFlags) -> Blueprint:
    """Say which text the tokens of a network stand for, and how it writes unless a request says otherwise.

    Raises:
        OptionError: a flag does not go with the network, a token is not in the vocabulary, or it is missing.
        VocabularyError: the vocabulary cannot be read or does not fit.
    """
    if blueprint.generation is None:
        if flags.given:
            raise OptionError(f"{', '.join(flags.given)}: for networks that write text alone")
        return blueprint
    generation = pb.Generation()
    generation.CopyFrom(blueprint.generation)
    files = dict(blueprint.files)
    _written(generation, flags, num_tokens(blueprint), files)
    if flags.vocabulary and blueprint.task == pb.TASK_TEXT_GENERATION:  # prompts are cut into what is written
        _check_words(generation.tokenizer, f"--vocabulary {flags.vocabulary}")
    source = _source(blueprint)
    if source is not None:
        _read(generation, flags, source, files)
    elif flags.source_vocabulary:
        raise OptionError("--source-vocabulary: this network has no encoder that reads a text")
    for name in _DEFAULTS:
        if (value := getattr(flags, name)) is not None:
            setattr(generation.defaults, name, value)
    return dataclasses.replace(blueprint, generation=generation, files=files)


def num_tokens(blueprint: Blueprint) -> int:
    """Count the tokens that the graph "step" gives logits for."""
    step = next(graph for graph in blueprint.graphs if graph.name == "step")
    logits = next(output for output in step.outputs if isinstance(output, OutputSpec) and output.name == "logits")
    assert logits.shape is not None
    size = logits.shape[-1]
    assert isinstance(size, int)
    return size


def _written(generation: pb.Generation, flags: TextFlags, size: int, files: dict[str, bytes]) -> None:
    tokenizer = generation.tokenizer
    if flags.vocabulary:
        table = read_vocabulary(flags.vocabulary, size)
        _fill(tokenizer, table, flags, "tokenizer.json", files)
        start, end = _ids(table, flags.start_token, "start"), _ids(table, flags.end_token, "end")
        if start:
            tokenizer.start_ids[:] = start
        if end:
            generation.end_ids[:] = end
        silent = [number for number in _silent(table, size) if number not in generation.end_ids]
        generation.suppressed_ids[:] = _joined(generation.suppressed_ids, silent)
        special = _special(table, tokenizer.start_ids, generation.end_ids)
        tokenizer.special_ids[:] = _joined(tokenizer.special_ids, special)
    elif not _has_tokens(tokenizer):
        raise OptionError(
            f'--vocabulary is required: the texts of the {size} tokens that this network writes, a file or "bytes"'
        )
    elif stray := [flag for flag in flags.given if flag.removeprefix("--").replace("-", "_") not in _DEFAULTS]:
        raise OptionError(f"{', '.join(stray)}: with --vocabulary alone")


def _read(generation: pb.Generation, flags: TextFlags, size: int, files: dict[str, bytes]) -> None:
    tokenizer = generation.source_tokenizer
    if flags.source_vocabulary:
        table = read_vocabulary(flags.source_vocabulary, size, "--source-vocabulary")
        _fill(tokenizer, table, flags, "source_tokenizer.json", files)
        # What ends a text ends a source too, where the encoder has such a token.
        if end := [number for token in flags.end_token if (number := table.id_of(token)) is not None]:
            tokenizer.end_ids[:] = end
        special = _special(table, tokenizer.start_ids, tokenizer.end_ids)
        tokenizer.special_ids[:] = _joined(tokenizer.special_ids, special)
        _check_words(tokenizer, f"--source-vocabulary {flags.source_vocabulary}")
    elif not _has_tokens(tokenizer):
        raise OptionError(
            f'--source-vocabulary is required: the texts of the {size} tokens that the encoder reads, or "bytes"'
        )


def _check_words(tokenizer: pb.Tokenizer, which: str) -> None:
    """Refuse a vocabulary of words that texts are cut into, where a token is several: a list of labels, above all."""
    vocabulary = tokenizer.vocabulary
    if vocabulary.unit != pb.TEXT_UNIT_WORD:
        return
    apart = {*tokenizer.special_ids, *([vocabulary.unknown_id] if vocabulary.HasField("unknown_id") else [])}
    for number, token in enumerate(vocabulary.tokens):
        if len(token.split()) > 1 and number not in apart:
            raise VocabularyError(
                f"{which}: token {number} is {token!r}, which no text is ever cut into, for words end at spaces; is "
                "this a list of labels? Give the vocabulary that the network was trained with"
            )


def _has_tokens(tokenizer: pb.Tokenizer) -> bool:
    """Tell whether the texts of tokens are known; an architecture may say how they are cut alone."""
    kind = tokenizer.WhichOneof("kind")
    return kind is not None and (kind != "vocabulary" or bool(tokenizer.vocabulary.tokens))


def _source(blueprint: Blueprint) -> int | None:
    """Count the tokens that an encoder of texts reads; None: there is no such encoder."""
    graphs: Iterable[GraphBlueprint] = (graph for graph in blueprint.graphs if graph.name == "encoder")
    specs = [spec for graph in graphs for spec in graph.inputs if spec.name == "source"]
    return int(specs[0].high) + 1 if specs and specs[0].high is not None else None


def _fill(tokenizer: pb.Tokenizer, table: TokenTable, flags: TextFlags, name: str, files: dict[str, bytes]) -> None:
    """Put a vocabulary into a tokenizer; how texts are cut is the flags' to say, else the network's."""
    if not isinstance(table, TokenList):
        if stray := [flag for flag in ("--text-unit", "--lowercase", "--unknown-token") if flag in flags.given]:
            raise OptionError(f"{', '.join(stray)}: with a vocabulary that is a list of tokens alone")
        if isinstance(table, ByteList):
            tokenizer.bytes.offset = 0
            tokenizer.bytes.SetInParent()
        else:
            tokenizer.hugging_face.file = name
            files[name] = table.content
        return
    vocabulary = tokenizer.vocabulary
    vocabulary.tokens[:] = table.tokens
    vocabulary.unit = TEXT_UNITS[flags.text_unit] if flags.text_unit else vocabulary.unit or _unit(table)
    if flags.lowercase is not None:
        vocabulary.lowercase = flags.lowercase
    if flags.unknown_token is not None:
        (vocabulary.unknown_id,) = _ids(table, [flags.unknown_token], "unknown")


def _unit(table: TokenList) -> "pb.TextUnit":
    """Tell characters from words: no text is cut into longer tokens where the unit is the character."""
    lengths = [len(token) for token in table.tokens if token]
    characters = sum(length == 1 for length in lengths)
    return pb.TEXT_UNIT_CHARACTER if 2 * characters > len(lengths) else pb.TEXT_UNIT_WORD


def _silent(table: TokenTable, size: int) -> list[int]:
    """List the ids that stand for no text."""
    if isinstance(table, TokenList):
        return [number for number, token in enumerate(table.tokens) if not token]
    if isinstance(table, TokenizerFile):
        return sorted(set(range(size)) - set(table.id_by_token.values()))
    return []


def _special(table: TokenTable, *ids: Iterable[int]) -> list[int]:
    """Take those that are no part of a text: "<s>" is none, while a line break that begins every text stays one."""
    return [number for some in ids for number in some if not _is_character(table.text_of(number))]


def _is_character(token: str) -> bool:
    return len(token) == 1 and (token.isprintable() or token.isspace())


def _ids(table: TokenTable, tokens: Sequence[str], which: str) -> list[int]:
    found = [table.id_of(token) for token in tokens]
    for token, number in zip(tokens, found, strict=True):
        if number is None:
            raise VocabularyError(f"--{which}-token {token!r}: the vocabulary has no such token")
    return [number for number in found if number is not None]


def _joined(*ids: Iterable[int]) -> list[int]:
    return sorted({number for some in ids for number in some})
