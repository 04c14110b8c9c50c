"""Tokenizers of Hugging Face's library: as the library does it, in pieces too."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from podium.v1 import model_manifest_pb2 as pb
from podium_server.errors import InvalidArgument
from podium_server.text.tokenizer import Tokenizer
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

SENTENCES = ["the cat sat on the mat", "the naïve café is 你好 \N{GRINNING FACE}", "don't tell the cats"]
TEXTS = st.text(max_size=30)
ENDS = st.lists(st.integers(0, 60), max_size=6)


def byte_level() -> tokenizers.Tokenizer:
    """Pairs of bytes, as GPT-2's: every text has tokens, characters may be cut in two."""
    library = tokenizers.Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, special_tokens=["<|end|>"], show_progress=False
    )
    library.train_from_iterator(SENTENCES, trainer)
    return library


def word_piece() -> tokenizers.Tokenizer:
    """Beginnings and continuations of words, as BERT's."""
    library = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    library.normalizer = normalizers.Lowercase()
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.decoder = decoders.WordPiece()
    library.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=60, special_tokens=["[UNK]"], show_progress=False)
    )
    return library


def byte_fallback() -> tokenizers.Tokenizer:
    """Marked spaces and, for what has no token, bytes, as Llama's."""
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)}
    vocabulary |= {token: 256 + i for i, token in enumerate(["<unk>", "▁", "t", "h", "e", "c", "a", "▁t", "▁c"])}
    bpe = models.BPE(
        vocab=vocabulary, merges=[("▁", "t"), ("▁", "c")], unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    library = tokenizers.Tokenizer(bpe)
    library.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    library.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return library


def compiled(library: tokenizers.Tokenizer, folder: Path, **fields: Any) -> Tokenizer:
    """Compile what a package would hold."""
    library.save(str(folder / "tokenizer.json"))
    spec = pb.Tokenizer(hugging_face=pb.HuggingFaceTokenizer(file="tokenizer.json"), **fields)
    return Tokenizer(spec, folder, ("tokenizer.json",))


def written(tokenizer: Tokenizer, ids: list[int], ends: list[int]) -> tuple[list[str], str]:
    """The pieces of tokens that come in groups with these ends, and what the end brings."""
    places = [0, *sorted(end % (len(ids) + 1) for end in ends), len(ids)]
    writer = tokenizer.writer()
    return [writer.write(ids[start:end]) for start, end in itertools.pairwise(places)], writer.finish()


@pytest.fixture(scope="module", params=[byte_level, word_piece, byte_fallback])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tokenizers.Tokenizer, Tokenizer]:
    """A library's tokenizer, and ours of its file."""
    make: Callable[[], tokenizers.Tokenizer] = request.param
    library = make()
    return library, compiled(library, tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def bytes_pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[tokenizers.Tokenizer, Tokenizer]:
    """The one of bytes alone."""
    library = byte_level()
    return library, compiled(library, tmp_path_factory.mktemp("package"))


@given(data=st.data())
def test_texts_are_cut_as_the_library_cuts_them(
    pair: tuple[tokenizers.Tokenizer, Tokenizer], data: st.DataObject
) -> None:
    """Token for token."""
    library, ours = pair
    text = data.draw(TEXTS)
    assert ours.encode(text, "prompt", replace_unknown=True) == library.encode(text, add_special_tokens=False).ids


@given(data=st.data(), ends=ENDS)
def test_the_pieces_are_what_the_library_decodes_at_once(
    pair: tuple[tokenizers.Tokenizer, Tokenizer], data: st.DataObject, ends: list[int]
) -> None:
    """For every text and however its tokens come: joined they are it, and no piece has half a character."""
    library, ours = pair
    text = data.draw(TEXTS)
    ids = library.encode(text, add_special_tokens=False).ids
    for places in (list(range(len(ids) + 1)), ends):
        pieces, rest = written(ours, ids, places)
        assert "".join(pieces) + rest == library.decode(ids)
        if "\N{REPLACEMENT CHARACTER}" not in text:
            assert "\N{REPLACEMENT CHARACTER}" not in "".join(pieces)


@given(ids=st.lists(st.integers(0, 299), max_size=60), ends=ENDS)
def test_tokens_that_make_no_text_are_decoded_as_the_library_does(
    bytes_pair: tuple[tokenizers.Tokenizer, Tokenizer], ids: list[int], ends: list[int]
) -> None:
    """Bytes at random: the replacement characters are the library's."""
    library, ours = bytes_pair
    for places in (list(range(len(ids) + 1)), ends):
        pieces, rest = written(ours, ids, places)
        assert "".join(pieces) + rest == library.decode(ids)


def test_words_that_are_unknown_are_named(tmp_path: Path) -> None:
    """By what the caller wrote; when asked they become the unknown token."""
    ours = compiled(word_piece(), tmp_path)
    with pytest.raises(InvalidArgument, match=r"^prompt: has words that the model has no token for: 'Ωmega', '語語';"):
        ours.encode("the Ωmega cat 語語", "prompt", replace_unknown=False)
    assert ours.encode("語語", "prompt", replace_unknown=True) == [0]


def test_characters_that_the_library_drops_in_silence_are_named(tmp_path: Path) -> None:
    """A model without an unknown token has nothing to show for them."""
    library = tokenizers.Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[]))
    ours = compiled(library, tmp_path)
    with pytest.raises(InvalidArgument, match=r"^prompt: .*: 'x' \(U\+0078\), 'é' \(U\+00E9\);"):
        ours.encode("a xbé", "prompt", replace_unknown=False)
    assert ours.encode("a xbé", "prompt", replace_unknown=True) == [0, 1]


def test_the_name_of_a_special_token_in_a_text_is_text(tmp_path: Path) -> None:
    """A caller cannot end a prompt for the model by writing its end."""
    library = byte_level()
    ours = compiled(library, tmp_path, special_ids=[0])
    ids = ours.encode("a<|end|>", "prompt", replace_unknown=False)
    assert 0 not in ids
    assert ours.decode(ids) == "a<|end|>"
    assert ours.decode([*ids, 0]) == "a<|end|>"


def test_padding_and_cutting_of_the_file_are_not_applied(tmp_path: Path) -> None:
    """A prompt is as long as it is."""
    library = byte_level()
    library.enable_padding(length=64)
    library.enable_truncation(4)
    ids = compiled(library, tmp_path).encode("the cat sat on the mat", "prompt", replace_unknown=False)
    assert ids == byte_level().encode("the cat sat on the mat").ids


def test_a_file_that_is_no_tokenizer_is_refused_by_name(tmp_path: Path) -> None:
    """Before anything is served."""
    (tmp_path / "tokenizer.json").write_text("{}")
    spec = pb.Tokenizer(hugging_face=pb.HuggingFaceTokenizer(file="tokenizer.json"))
    with pytest.raises(ValueError, match=r"^hugging_face\.file 'tokenizer\.json' is no tokenizer: "):
        Tokenizer(spec, tmp_path, ("tokenizer.json",))
