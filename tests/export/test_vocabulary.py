"""What a vocabulary file may be, and how one that does not fit is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from podium_export.errors import VocabularyError
from podium_export.vocabulary import ByteList, TokenizerFile, TokenList, read_vocabulary


def _file(folder: Path, content: Any, name: str = "vocab.json") -> str:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        (["a", " ", "\n"], ("a", " ", "\n")),
        ([None, "a", "b"], ("", "a", "b")),
        ({"a": 0, "b": 2, "c": 1}, ("a", "c", "b")),
        ({"0": "a", "2": "c", "1": "b"}, ("a", "b", "c")),
        ({"a": 1, "b": 2}, ("", "a", "b")),
        ({"source": ["x"], "target": ["a", "b", "c"]}, ("a", "b", "c")),
    ],
    ids=["list", "list with a hole", "token to id", "id to token", "ids from 1", "two, of which one fits"],
)
def test_json_gives_the_tokens_by_id(tmp_path: Path, content: Any, tokens: tuple[str, ...]) -> None:
    """Lists and objects, either way round; an id without a token is never written."""
    assert read_vocabulary(_file(tmp_path, content), 3) == TokenList(tokens)


def test_a_text_file_has_a_token_a_line(tmp_path: Path) -> None:
    """Spaces are tokens too; a first token in brackets is no JSON."""
    assert read_vocabulary(_file(tmp_path, "[PAD]\n \na b\r\n", "v.txt"), 3) == TokenList(("[PAD]", " ", "a b"))


def test_bytes_are_256_tokens() -> None:
    """No file is needed."""
    assert read_vocabulary("bytes", 256) == ByteList()
    with pytest.raises(VocabularyError, match="256 tokens, and the network has 65"):
        read_vocabulary("bytes", 65)


@pytest.mark.parametrize(
    "model",
    [
        {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []},
        {"type": "Unigram", "vocab": [["a", -1.0], ["b", -2.0]], "unk_id": 0},
    ],
    ids=["an object", "a list with scores"],
)
def test_a_tokenizer_file_is_kept_as_it_is(tmp_path: Path, model: dict[str, Any]) -> None:
    """Its added tokens count; a network may have more logits than it has tokens, as padded ones do, never fewer."""
    added = {"id": 2, "content": "</s>", "special": True}
    added |= dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    place = _file(tmp_path, {"version": "1.0", "model": model, "added_tokens": [added]}, "tokenizer.json")
    table = read_vocabulary(place, 4)
    assert isinstance(table, TokenizerFile)
    assert table.content == Path(place).read_bytes()
    assert (table.size, table.id_of("b"), table.id_of("</s>"), table.id_of("?")) == (3, 1, 2, None)
    with pytest.raises(VocabularyError, match="3 tokens, and the network has 2"):
        read_vocabulary(place, 2)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (["a", "b"], "v.json", "2 tokens, and the network has 3"),
        (["a", "b", "a"], "v.json", "ids 0 and 2 are both 'a'"),
        ({"a": 0, "b": 0, "c": 1}, "v.json", "must be a list of tokens"),
        ({"x": ["a"], "y": ["a", "b"]}, "v.json", r'several vocabularies \("x" 1, "y" 2\), and not one of them'),
        ("{", "v.json", "not JSON"),
        ("a\n\nb\n", "v.txt", "line 2 is empty"),
        ({"model": {"vocab": 3}}, "tokenizer.json", "Hugging Face's library cannot read it"),
        ({"model": {"vocab": {"a": 0, "b": 1}}}, "tokenizer.json", "Hugging Face's library cannot read it"),
        ([None, None, None], "v.json", "no token in it"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, content: Any, name: str, said: str) -> None:
    """The message says what is wrong, with the counts."""
    with pytest.raises(VocabularyError, match=said):
        read_vocabulary(_file(tmp_path, content, name), 3)


def test_a_file_that_is_not_there_is_said_to_be() -> None:
    """With the option's name."""
    with pytest.raises(VocabularyError, match=r"--vocabulary nowhere\.json: cannot be read"):
        read_vocabulary("nowhere.json", 3)
