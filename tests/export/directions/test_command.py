"""`podium directions` as people type it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from podium_export.directions.command import directions

from tests.export.directions.bright import directions_of, draw, export_bright


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Bright pictures and dark ones."""
    return draw(tmp_path / "bright", 200, 100), draw(tmp_path / "dark", 50, 100)


@pytest.fixture
def model(repository: Path) -> Path:
    """A repository with the model `bright`."""
    export_bright(repository)
    return repository


def run(repository: Path, positive: Path, negative: Path, *more: str, model: str = "bright") -> Result:
    """Type the command."""
    arguments = ["--repository", repository, "--positive", positive, "--negative", negative, "--name", "upper", *more]
    return CliRunner().invoke(directions, [model, *map(str, arguments)])


def test_it_says_how_well_the_direction_separates(model: Path, folders: tuple[Path, Path]) -> None:
    """With the counts of each side, where it was published, and how to use it."""
    answer = run(model, *folders)
    assert answer.exit_code == 0, answer.output
    assert '"upper" (difference of means) puts 100.0 % of 20 held-out pictures on the right side' in answer.stdout
    assert "10 of 10 with it, 10 of 10 without" in answer.stdout
    assert f"Published {model / 'bright' / '2'}, a copy of bright, version 1" in answer.stdout
    assert 'podium edit bright PICTURE --direction "upper"' in answer.stdout


def test_programs_get_json(model: Path, folders: tuple[Path, Path]) -> None:
    """Numbers, and the path of the new version."""
    answer = run(model, *folders, "--json", "--method", "linear-classifier")
    content = json.loads(answer.stdout)
    assert (content["path"], content["method"]) == (str(model / "bright" / "2"), "linear_classifier")
    assert content["held_out_accuracy"] == 1.0
    assert content["positive"] == {"num_held_out": 10, "num_right": 10}


def test_chance_is_called_chance(model: Path, tmp_path: Path) -> None:
    """A direction that separates nothing is published, and said to be of no use."""
    answer = run(model, draw(tmp_path / "a", 100, 100, 60), draw(tmp_path / "b", 101, 100, 60))
    assert answer.exit_code == 0, answer.output
    assert "hardly better than chance" in answer.stdout


@pytest.mark.parametrize(
    ("name", "said", "status"),
    [
        ("dull", "there is no such model; there are bright", 1),
        ("bright/7", "there is no such version; there are 1", 1),
        ("bright@best", "give a model's name, or name and version", 2),
        ("../bright", "give a model's name, or name and version", 2),
    ],
)
def test_a_model_that_is_not_there_is_named(
    model: Path, folders: tuple[Path, Path], name: str, said: str, status: int
) -> None:
    """With what there is."""
    answer = run(model, *folders, model=name)
    assert answer.exit_code == status
    assert said in answer.stderr


def test_a_generator_without_encoder_is_refused(repository: Path, folders: tuple[Path, Path]) -> None:
    """It cannot tell where a picture lies; the message says what can."""
    from podium_export.architectures import ARCHITECTURES
    from podium_export.architectures.gan_mnist_mlp import build
    from podium_export.assembling import Source
    from podium_export.exporting import export_network
    from podium_export.package import Destination

    blueprint = ARCHITECTURES["gan-mnist-mlp"].blueprint(build({}).eval())
    export_network(blueprint, Source("gan-mnist-mlp"), Destination(repository, "gan"))
    answer = run(repository, *folders, model="gan")
    assert answer.exit_code == 1
    assert "gan, version 1: has no encoder" in answer.stderr
    assert 'its graphs are "decoder"' in answer.stderr
    assert [path.name for path in (repository / "gan").iterdir()] == ["1"]


def test_too_few_pictures_are_refused(model: Path, folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The folder is named, and how many it needs."""
    few = draw(tmp_path / "few", 200, 100, 5)
    answer = run(model, few, folders[1])
    assert answer.exit_code == 2
    assert f"--positive {few}: holds 5 pictures (.png, .jpg, .webp); it must hold at least 6" in answer.stderr


def test_an_unreadable_picture_is_named(model: Path, folders: tuple[Path, Path]) -> None:
    """And nothing is published."""
    (folders[1] / "005.png").write_bytes(b"no picture")
    answer = run(model, *folders)
    assert answer.exit_code == 1
    assert f"{folders[1] / '005.png'}: cannot be read as a PNG, JPEG or WebP file" in answer.stderr
    assert [path.name for path in (model / "bright").iterdir()] == ["1"]


def test_folders_must_differ(model: Path, folders: tuple[Path, Path]) -> None:
    """One folder has no direction to itself."""
    answer = run(model, folders[0], folders[0])
    assert answer.exit_code == 2
    assert "--positive and --negative are the same folder" in answer.stderr


def test_pictures_that_the_model_cannot_tell_apart_are_refused(model: Path, tmp_path: Path) -> None:
    """Copies of one picture under two names have no way between them."""
    answer = run(model, draw(tmp_path / "a" / "x", 90, 90), draw(tmp_path / "b" / "x", 90, 90))
    assert answer.exit_code == 2
    assert "the model sees no difference between the two" in answer.stderr


@pytest.mark.parametrize("name", ["", "  ", "smi\nle", "x" * 101])
def test_a_direction_needs_a_name(model: Path, folders: tuple[Path, Path], name: str) -> None:
    """One that people can type."""
    answer = run(model, *folders, "--name", name)
    assert answer.exit_code == 2
    assert "give a direction's name, 1 to 100 letters" in answer.stderr


def test_a_class_goes_with_encoders_that_are_told(model: Path, folders: tuple[Path, Path], repository: Path) -> None:
    """Left out, unknown and not asked for are three messages."""
    assert "is not told the class; leave it out" in run(model, *folders, "--class", "high").stderr
    export_bright(repository, "told", ("low", "high"))
    assert "--class is required" in run(model, *folders, model="told").stderr
    assert 'has no class "tall"; it has low, high' in run(model, *folders, "--class", "tall", model="told").stderr


def test_a_changed_file_is_not_passed_on(model: Path, folders: tuple[Path, Path]) -> None:
    """What was checked is what is copied."""
    path = model / "bright" / "1" / "golden.npz"
    path.write_bytes(path.read_bytes() + b"\0")
    answer = run(model, *folders)
    assert answer.exit_code == 1
    assert "golden.npz: has changed since the package was made" in answer.stderr
    assert not [p for p in model.rglob("*") if p.name.startswith(".")]


def test_pictures_of_other_sizes_are_taken(model: Path, folders: tuple[Path, Path]) -> None:
    """The manifest says how they are brought to the network's size."""
    from PIL import Image

    with Image.open(folders[0] / "000.png") as picture:
        picture.convert("RGB").resize((90, 60)).save(folders[0] / "000.jpg")
    answer = run(model, *folders)
    assert answer.exit_code == 0, answer.output
    assert directions_of(model / "bright" / "2")[0].held_out_accuracy == 1.0
