"""Directions of a model whose latents are known."""

from pathlib import Path

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_export.directions.direction import METHODS, Examples, difference_of_means, split
from podium_export.directions.finding import Found, Wanted, find_direction
from podium_export.encoding.encoder import Encoder
from podium_export.inspection.opened import read_manifest
from podium_export.progress import Silence

from tests.export.directions.bright import directions_of, draw, export_bright, latents


@pytest.fixture
def model(repository: Path) -> Path:
    """A repository with the model `bright`."""
    export_bright(repository)
    return repository


def find(repository: Path, wanted: Wanted, model: str = "bright") -> Found:
    """Find a direction."""
    return find_direction(repository, model, wanted, Silence())


def test_the_known_direction_is_found(model: Path, tmp_path: Path) -> None:
    """Pictures that differ in their upper half differ in latent 0, by the difference of its means."""
    bright, dark = draw(tmp_path / "bright", 200, 100), draw(tmp_path / "dark", 50, 100)
    found = find(model, Wanted("upper", bright, dark))
    [direction] = directions_of(found.path)
    learned, _ = split(Examples(latents(bright), latents(dark)))
    np.testing.assert_allclose(direction.values, difference_of_means(learned), atol=1e-5)
    assert abs(direction.values[0]) > 20 * abs(direction.values[1])
    assert direction.name == "upper"
    assert direction.method == "difference_of_means"
    assert (direction.held_out_accuracy, direction.num_held_out) == (1.0, 20)


@pytest.mark.parametrize("method", METHODS)
def test_a_property_that_is_not_there_separates_nothing(model: Path, tmp_path: Path, method: str) -> None:
    """Two folders of one kind: held-out pictures lie as they happen to."""
    one, other = draw(tmp_path / "one", 100, 100, 300), draw(tmp_path / "other", 100, 101, 300)
    found = find(model, Wanted("nothing", one, other, method))
    assert found.direction.held_out_accuracy < 0.65


def test_the_new_version_is_the_old_one_with_a_direction_more(model: Path, tmp_path: Path) -> None:
    """Every other file is the same, and so is the rest of the manifest."""
    before = read_manifest(model / "bright" / "1")
    found = find(model, Wanted("upper", draw(tmp_path / "a", 200, 100), draw(tmp_path / "b", 50, 100)))
    assert found.path == model / "bright" / "2"
    after = read_manifest(found.path)
    del after.latent_space.directions[:]
    assert after == before
    for file in before.files:
        assert (found.path / file.name).read_bytes() == (model / "bright" / "1" / file.name).read_bytes()
    assert not read_manifest(model / "bright" / "1").latent_space.directions


def test_the_same_name_replaces_and_another_adds(model: Path, tmp_path: Path) -> None:
    """Each is based on the newest version, so it keeps the directions that others found."""
    bright, dark, low = (draw(tmp_path / n, *h) for n, h in {"a": (200, 100), "b": (50, 100), "c": (50, 200)}.items())
    find(model, Wanted("upper", bright, dark))
    find(model, Wanted("lower", low, dark))
    found = find(model, Wanted("upper", bright, dark, "linear-classifier"))
    assert found.path.name == "4"
    assert [(d.name, d.method) for d in directions_of(found.path)] == [
        ("lower", "difference_of_means"),
        ("upper", "linear_classifier"),
    ]


def test_a_version_may_be_named(model: Path, tmp_path: Path) -> None:
    """Its directions are kept, not those of newer ones."""
    folders = draw(tmp_path / "a", 200, 100), draw(tmp_path / "b", 50, 100)
    find(model, Wanted("first", *folders))
    found = find(model, Wanted("second", *folders), "bright/1")
    assert (found.path.name, found.source.title) == ("3", "bright, version 1")
    assert [d.name for d in directions_of(found.path)] == ["second"]


def test_an_encoder_that_is_told_the_class_is_told(repository: Path, tmp_path: Path) -> None:
    """Every picture is said to show the class that is given."""
    export_bright(repository, class_names=("low", "high"))
    folders = draw(tmp_path / "a", 200, 100), draw(tmp_path / "b", 50, 100)
    for said in ("high", "1"):
        found = find(repository, Wanted("upper", *folders, class_name=said))
        assert found.direction.held_out_accuracy == 1.0
        encoder = Encoder(found.source, said)
        assert encoder.encode(sorted(folders[0].iterdir())).mean[:, 2] == pytest.approx(1.0)


def test_the_server_takes_the_new_version(model: Path, tmp_path: Path) -> None:
    """Its manifest compiles, and the server knows the direction by its name."""
    from podium_server.pictures.latent_space import LatentSpace

    found = find(model, Wanted("upper", draw(tmp_path / "a", 200, 100), draw(tmp_path / "b", 50, 100)))
    manifest: pb.ModelManifest = read_manifest(found.path)
    space = LatentSpace(manifest.latent_space, 3, takes_label=False)
    np.testing.assert_allclose(space.directions["upper"], found.direction.values)
