"""`captioner`, as it is served: from pictures of emoji to their names."""

from pathlib import Path

import numpy as np
import podium_client.demo
import pytest
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.captioner_training import word_f1
from podium_export.recipes.emoji_parts import Part
from podium_export.recipes.emoji_pictures import emoji, picture
from podium_export.recipes.registry_package import FetchError

from tests.export.recipes.writing import Chooser, Writer

PICTURES = Path(podium_client.demo.__file__).parent / "emoji"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    return RECIPES["captioner"].make(Destination(tmp_path_factory.mktemp("models"), "captioner"), Silence()).path


def named(package: Path, pixels: np.ndarray) -> str:
    """Name a picture (3, 64, 64) of bytes, taking the most probable word each time."""
    writer = Writer(package)
    encoded = writer.encode(image=pixels[None].astype(np.float32) / 255)
    return " ".join(writer.tokens[token] for token in writer.write(Chooser(), 16, encoded))


def test_drawings_that_were_not_seen_are_named(package: Path) -> None:
    """One in six of a hundred that other artists drew too, by the package's own graphs; there are 1,800 words."""
    try:
        held_out = emoji().part(Part.DRAWING)
    except FetchError as error:
        pytest.skip(f"the pictures cannot be had here: {error}")
    places = range(0, len(held_out), len(held_out) // 100)
    right = [named(package, held_out.images[place].numpy()) == held_out.captions[place] for place in places]
    assert np.mean(right) > 1 / 6


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("bicycle.fluent-emoji.png", "bicycle"),
        ("floppy-disk.fluent-emoji.png", "floppy disk"),
        ("watermelon.twemoji.png", "watermelon"),
    ],
)
def test_a_held_out_drawing_is_named(package: Path, file: str, name: str) -> None:
    """Out of a file, which was not learned from."""
    assert named(package, picture((PICTURES / file).read_bytes()).transpose(2, 0, 1)) == name


def test_a_thing_that_was_never_seen_is_named_wrongly(package: Path) -> None:
    """There is no penguin among the words that were learned: it is likened to something else, and not left empty."""
    assert "penguin" not in Writer(package).tokens
    said = named(package, picture((PICTURES / "penguin.noto-emoji.png").read_bytes()).transpose(2, 0, 1))
    assert said
    assert word_f1(said, "penguin") == 0


def test_pictures_go_in_and_words_come_out(package: Path) -> None:
    """In colour, 64×64, as numbers of 0 ... 1; words are joined with spaces."""
    manifest = read_manifest(package)
    p, generation = manifest.image_preprocessing, manifest.generation
    assert (p.color_mode, p.width, p.height) == (image_pb2.COLOR_MODE_RGB, 64, 64)
    assert generation.tokenizer.vocabulary.unit == pb.TEXT_UNIT_WORD
    assert list(generation.suppressed_ids) == list(generation.tokenizer.start_ids) == [0]
    assert list(generation.end_ids) == [1]
    assert generation.defaults.num_beams > 1
