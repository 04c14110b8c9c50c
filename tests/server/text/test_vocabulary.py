"""Vocabularies: texts are cut as the manifest says, and what has no token is refused by name or replaced."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium.v1 import model_manifest_pb2 as pb
from podium_server.errors import InvalidArgument
from podium_server.text.tokenizer import Tokenizer

CHARACTER, WORD, LETTER_RUN = pb.TEXT_UNIT_CHARACTER, pb.TEXT_UNIT_WORD, pb.TEXT_UNIT_LETTER_RUN
HELLO = "helo \N{LATIN SMALL LETTER E WITH ACUTE}\N{GRINNING FACE}"


def tokenizer(*tokens: str, unit: pb.TextUnit = CHARACTER, **of: Any) -> Tokenizer:
    """A tokenizer of a vocabulary; `of` are fields of it or of the tokenizer."""
    outer = {name: of.pop(name) for name in ("start_ids", "end_ids", "special_ids") if name in of}
    vocabulary = pb.Vocabulary(tokens=tokens, unit=unit, **of)
    return Tokenizer(pb.Tokenizer(vocabulary=vocabulary, **outer), Path(), ())


def encode(of: Tokenizer, text: str) -> list[int]:
    """Encode what has tokens for everything."""
    return of.encode(text, "prompt", replace_unknown=False)


def refusal(of: Tokenizer, text: str) -> str:
    """What an error says."""
    with pytest.raises(InvalidArgument) as raised:
        encode(of, text)
    assert raised.value.field_path == "prompt"
    return str(raised.value)


@given(st.text(alphabet=HELLO, max_size=40))
def test_characters_are_their_places_in_the_list(text: str) -> None:
    """And back, whatever the text."""
    characters = tokenizer(*HELLO)
    assert encode(characters, text) == [HELLO.index(char) for char in text]
    assert characters.decode(encode(characters, text)) == text


def test_characters_without_a_token_are_named_once_with_their_code_points() -> None:
    """As themselves where they can be seen, and no more than the first few."""
    message = refusal(tokenizer(*HELLO), "hXélXo\t\N{CJK UNIFIED IDEOGRAPH-4F60}")
    assert message == (
        "prompt: has characters that the model has no token for: 'X' (U+0058), '\\t' (U+0009), '你' (U+4F60); leave "
        "them out, or set replace_unknown"
    )
    assert "'5' (U+0035) and 4 more;" in refusal(tokenizer(*HELLO), "123456789")


def test_what_is_unknown_becomes_the_unknown_token_or_is_left_out_when_asked() -> None:
    """By the request alone."""
    assert tokenizer(*HELLO).encode("hXe", "prompt", replace_unknown=True) == [0, 1]
    marked = tokenizer(*HELLO, "?", unknown_id=7)
    assert marked.encode("hXe", "prompt", replace_unknown=True) == [0, 7, 1]
    assert "'X' (U+0058)" in refusal(marked, "hXe")


def test_longer_tokens_among_characters_are_written_and_never_read() -> None:
    """ "<s>" in a text is three characters."""
    characters = tokenizer("<s>", "<", "s", ">", "")
    assert encode(characters, "<s>") == [1, 2, 3]
    assert characters.decode([0, 4, 2]) == "<s>s"


def test_special_tokens_are_no_part_of_a_text() -> None:
    """Neither of one that is read nor of one that is written."""
    words = tokenizer("<s>", "cat", "</s>", unit=WORD, special_ids=[0, 2])
    assert words.decode([0, 1, 2, 1]) == "cat cat"
    assert "'<s>'" in refusal(words, "<s> cat")


def test_words_are_what_stands_between_white_space() -> None:
    """And are joined with one space."""
    words = tokenizer("the", "cat", "sat.", unit=WORD)
    assert encode(words, "  the\tcat \n sat. ") == [0, 1, 2]
    assert words.decode([0, 1, 2]) == "the cat sat."
    assert refusal(words, "the dog sat") == (
        "prompt: has words that the model has no token for: 'dog', 'sat'; leave them out, or set replace_unknown"
    )


def test_runs_of_letters_and_single_marks_are_tokens() -> None:
    """White space is none."""
    runs = tokenizer("don", "'", "t", "go", "!", unit=LETTER_RUN, lowercase=True)
    assert encode(runs, "Don't  GO!") == [0, 1, 2, 3, 4]
    assert runs.decode([0, 1, 2]) == "don ' t"
    assert "'D' (U+0044)" in refusal(tokenizer("on", unit=LETTER_RUN), "Don")


@given(st.lists(st.integers(0, 6), max_size=20))
def test_the_writers_pieces_are_the_text(ids: list[int]) -> None:
    """Joined, word by word."""
    words = tokenizer("a", "b", "<s>", "", "c", "d", "e", unit=WORD, special_ids=[2])
    writer = words.writer()
    pieces = "".join([writer.write([token_id]) for token_id in ids]) + writer.finish()
    assert pieces == " ".join("ab??cde"[token_id] for token_id in ids if token_id not in (2, 3))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (pb.Tokenizer(), "is empty; it must have vocabulary, bytes or hugging_face"),
        (pb.Tokenizer(vocabulary=pb.Vocabulary(unit=WORD)), "vocabulary.tokens is empty"),
        (pb.Tokenizer(vocabulary=pb.Vocabulary(tokens=["a"])), "vocabulary.unit must be CHARACTER, WORD or"),
        (
            pb.Tokenizer(vocabulary=pb.Vocabulary(tokens=["a", "b"], unit=WORD, unknown_id=2)),
            "vocabulary.unknown_id is 2; ids are 0 … 1",
        ),
        (
            pb.Tokenizer(vocabulary=pb.Vocabulary(tokens=["a", "b"], unit=WORD), start_ids=[0, 5]),
            "start_ids has 5; ids are 0 … 1",
        ),
        (
            pb.Tokenizer(hugging_face=pb.HuggingFaceTokenizer(file="../tokenizer.json")),
            "hugging_face.file is '../tokenizer.json', which `files` does not list",
        ),
    ],
)
def test_what_is_no_tokenizer_is_refused_by_its_field(spec: pb.Tokenizer, message: str) -> None:
    """Before anything is served."""
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is compared
        Tokenizer(spec, Path(), ("model.onnx",))
    assert str(raised.value).startswith(message)
