"""What the command line says of texts, laid over what a network says of itself."""

import json
from pathlib import Path
from typing import Any

import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architecture import Blueprint
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from podium_export.architectures.seq2seq import EncoderConfig, Seq2Seq, Seq2SeqConfig
from podium_export.errors import OptionError, VocabularyError
from podium_export.text_flags import TextFlags
from podium_export.texts import with_texts
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from tests.export.networks import affine_graph, blueprint
from tests.export.recurrent import small_char_rnn


def _network(num_tokens: int = 4) -> Blueprint:
    return ARCHITECTURES["char-rnn"].blueprint(small_char_rnn("gru", num_tokens=num_tokens))


def _translator(num_tokens: int = 4) -> Blueprint:
    reads = writes = RecurrentConfig(Cell.GRU, 3, 5)
    config = Seq2SeqConfig(EncoderConfig(num_tokens, reads), DecoderConfig(num_tokens, writes))
    return ARCHITECTURES["seq2seq"].blueprint(Seq2Seq(config))


def _generation(flags: TextFlags, num_tokens: int = 4) -> pb.Generation:
    generation = with_texts(_network(num_tokens), flags).generation
    assert generation is not None
    return generation


def tokenizer_json(id_by_token: dict[str, int]) -> str:
    """A file of Hugging Face's library that cuts at spaces."""
    tokenizer: Any = Tokenizer(WordLevel(id_by_token, unk_token="a"))
    return str(tokenizer.to_str())


@pytest.fixture
def hello(tmp_path: Path) -> str:
    """The lecture's smallest vocabulary."""
    path = tmp_path / "hello.json"
    path.write_text(json.dumps(["h", "e", "l", "o"]))
    return str(path)


def test_characters_are_told_from_words(hello: str, tmp_path: Path) -> None:
    """Where most tokens are longer than a character, the unit is the word; a flag says otherwise."""
    words = tmp_path / "words.txt"
    words.write_text("the\na\ncat\nsat\n")
    assert _generation(TextFlags(hello)).tokenizer.vocabulary.unit == pb.TEXT_UNIT_CHARACTER
    assert _generation(TextFlags(str(words))).tokenizer.vocabulary.unit == pb.TEXT_UNIT_WORD
    letters = TextFlags(str(words), text_unit="letter-run", lowercase=True, unknown_token="a")
    vocabulary = _generation(letters).tokenizer.vocabulary
    assert (vocabulary.unit, vocabulary.lowercase, vocabulary.unknown_id) == (pb.TEXT_UNIT_LETTER_RUN, True, 1)


def test_start_and_end_are_named_by_their_tokens(tmp_path: Path) -> None:
    """They begin and end texts, and are no part of any; an id without a token is never written."""
    path = tmp_path / "vocab.json"
    path.write_text(json.dumps([None, "<s>", "</s>", "a"]))
    generation = _generation(TextFlags(str(path), start_token=("<s>",), end_token=("</s>",)))
    assert list(generation.tokenizer.start_ids) == [1]
    assert list(generation.end_ids) == [2]
    assert list(generation.tokenizer.special_ids) == [1, 2]
    assert list(generation.suppressed_ids) == [0]
    with pytest.raises(VocabularyError, match="--end-token 'x': the vocabulary has no such token"):
        _generation(TextFlags(str(path), end_token=("x",)))


@pytest.mark.parametrize("token", ["\n", "."])
def test_a_character_that_begins_or_ends_texts_stays_one(token: str, tmp_path: Path) -> None:
    """Prompts may have it, and texts show it, which they do not of "<s>"; an end is never shown anyway."""
    path = tmp_path / "vocab.json"
    path.write_text(json.dumps(["<s>", token, "\0", "a"]))
    generation = _generation(TextFlags(str(path), start_token=("<s>", token), end_token=(token, "\0")))
    assert list(generation.tokenizer.start_ids) == [0, 1]
    assert list(generation.end_ids) == [1, 2]
    assert list(generation.tokenizer.special_ids) == [0, 2]
    of_bytes = _generation(TextFlags("bytes", start_token=(token,)), 256)
    assert list(of_bytes.tokenizer.start_ids) == [ord(token)]
    assert not of_bytes.tokenizer.special_ids


def test_the_states_stay_as_the_network_says(hello: str) -> None:
    """Only what was given is laid over."""
    states = _generation(TextFlags(hello)).states
    assert [(state.input, state.output) for state in states] == [("hidden_0", "next_hidden_0")]


def test_bytes_and_tokenizer_files_have_no_unit(tmp_path: Path) -> None:
    """The file goes into the package; ids that it has no token for are never written."""
    assert _generation(TextFlags("bytes"), 256).tokenizer.WhichOneof("kind") == "bytes"
    path = tmp_path / "some-tokenizer.json"
    path.write_text(tokenizer_json({"a": 0, "b": 1}))
    described = with_texts(_network(), TextFlags(str(path), end_token=("b",)))
    assert described.generation is not None
    assert described.files == {"tokenizer.json": path.read_bytes()}
    assert described.generation.tokenizer.hugging_face.file == "tokenizer.json"
    assert list(described.generation.suppressed_ids) == [2, 3]
    with pytest.raises(OptionError, match="--text-unit: with a vocabulary that is a list"):
        _generation(TextFlags("bytes", text_unit="word"), 256)


def test_decoding_defaults_are_kept_where_given(hello: str) -> None:
    """Zero is a value, and what is not given stays unset."""
    defaults = _generation(TextFlags(hello, temperature=0.0, max_tokens=40)).defaults
    assert defaults.HasField("temperature")
    assert (defaults.temperature, defaults.max_tokens) == (0, 40)
    assert not defaults.HasField("top_k")


def test_a_vocabulary_is_required_and_must_fit(hello: str) -> None:
    """Counts are told; a network without texts takes no flag on them."""
    with pytest.raises(OptionError, match="--vocabulary is required: the texts of the 4 tokens"):
        _generation(TextFlags())
    with pytest.raises(VocabularyError, match="4 tokens, and the network has 5"):
        _generation(TextFlags(hello), 5)
    with pytest.raises(OptionError, match="--source-vocabulary: this network has no encoder"):
        _generation(TextFlags(hello, source_vocabulary=hello))
    with pytest.raises(OptionError, match="--vocabulary, --top-k: for networks that write text alone"):
        with_texts(blueprint(affine_graph()), TextFlags(hello, top_k=3))


def test_labels_of_several_words_are_no_vocabulary_that_texts_are_cut_into(tmp_path: Path) -> None:
    """A network that was trained on words has never read "great white shark" as one."""
    labels, words = tmp_path / "labels.txt", tmp_path / "words.txt"
    labels.write_text("tench\ngoldfish\ngreat white shark\nhammerhead\n")
    words.write_text("the\na\ncat\nsat\n")
    said = "token 2 is 'great white shark', which no text is ever cut into"
    with pytest.raises(VocabularyError, match=f"--vocabulary .*{said}"):
        with_texts(_network(), TextFlags(str(labels)))
    with pytest.raises(VocabularyError, match=f"--source-vocabulary .*{said}"):
        with_texts(_translator(), TextFlags(str(words), source_vocabulary=str(labels)))


def test_special_tokens_may_be_several_words(tmp_path: Path) -> None:
    """No text is cut into them: a start, an end, what stands for the unknown."""
    words = tmp_path / "words.txt"
    words.write_text("the start\nthe end\ncat\nno word\n")
    flags = TextFlags(str(words), start_token=("the start",), end_token=("the end",), unknown_token="no word")
    assert list(_generation(flags).tokenizer.special_ids) == [0, 1]


def test_phrases_that_are_only_written_are_kept(tmp_path: Path) -> None:
    """What a translator writes is never cut."""
    words, phrases = tmp_path / "words.txt", tmp_path / "phrases.txt"
    words.write_text("das\nein\nhund\nsitzt\n")
    phrases.write_text("<s>\nNew York\nthe\ncat\n")
    flags = TextFlags(str(phrases), source_vocabulary=str(words), start_token=("<s>",))
    generation = with_texts(_translator(), flags).generation
    assert generation is not None
    assert "New York" in generation.tokenizer.vocabulary.tokens
