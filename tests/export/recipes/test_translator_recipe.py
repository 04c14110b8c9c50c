"""`translator`, as it is served: from spelling to pronunciation."""

from pathlib import Path

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.pronunciation_figures import phoneme_error, words_right
from podium_export.recipes.pronunciations import words
from podium_export.recipes.registry_package import FetchError

from tests.export.recipes.writing import Chooser, Writer


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    return RECIPES["translator"].make(Destination(tmp_path_factory.mktemp("models"), "translator"), Silence()).path


def said(package: Path, word: str, padding: int = 0) -> tuple[str, ...]:
    """Say a word, taking the most probable phoneme each time."""
    writer = Writer(package)
    source = writer.generation.source_tokenizer
    letters = [list(source.vocabulary.tokens).index(letter) for letter in word] + list(source.end_ids)
    encoded = writer.encode(
        source=np.array([letters + [3] * padding], np.int64), source_length=np.array([len(letters)], np.int64)
    )
    return tuple(writer.tokens[token] for token in writer.write(Chooser(), 40, encoded))


def test_words_that_were_not_learned_from_are_said_right(package: Path) -> None:
    """Of every 33rd of them, by the package's own graphs: three in five, and nine in ten phonemes."""
    try:
        held_out = dict(list(words().held_out.items())[::33])
    except FetchError as error:
        pytest.skip(f"the dictionary cannot be had here: {error}")
    answers = [said(package, word) for word in held_out]
    assert words_right(answers, list(held_out.values())) > 0.6
    assert phoneme_error(answers, list(held_out.values())) < 0.12


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [("cat", "K AE1 T"), ("translation", "T R AE0 N Z L EY1 SH AH0 N"), ("thought", "TH AO1 T")],
)
def test_known_words_are_said_as_in_the_dictionary(package: Path, word: str, phonemes: str) -> None:
    """However far their letters are padded."""
    assert " ".join(said(package, word)) == phonemes
    assert " ".join(said(package, word, padding=5)) == phonemes


def test_letters_go_in_and_phonemes_come_out(package: Path) -> None:
    """Words are made lower-case and end with a token of their own; phonemes are joined with spaces."""
    generation = read_manifest(package).generation
    source, target = generation.source_tokenizer, generation.tokenizer
    assert (source.vocabulary.unit, source.vocabulary.lowercase) == (pb.TEXT_UNIT_CHARACTER, True)
    assert target.vocabulary.unit == pb.TEXT_UNIT_WORD
    assert len(target.vocabulary.tokens) == 2 + 69  # CMUdict: 24 consonants, 15 vowels of three stresses each
    assert list(source.end_ids) == list(generation.end_ids) == [1]
    assert list(generation.suppressed_ids) == list(target.start_ids) == [0]
    assert generation.defaults.num_beams > 1
