"""`podium sample` and its kin against a real gRPC server."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from podium_client.main import main

from tests.client.fake_images import CHOSEN_SEED, png, serving_images
from tests.client.fake_server import FakeServer


async def podium(server: FakeServer, *arguments: str) -> Result:
    """Run the command in another thread: this one's event loop serves."""
    environment = {"PODIUM_ADDRESS": server.address, "COLUMNS": "120", "NO_COLOR": "1"}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with two pictures in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(png(10))
    (tmp_path / "b.png").write_bytes(png(40))
    return tmp_path


async def test_samples_are_saved_on_a_sheet_and_the_seed_is_told() -> None:
    """So that the same pictures can be drawn again."""
    async with serving_images() as server:
        result = await podium(server, "sample", "gan", "-n", "6", "-o", "deep/out.png")

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.output.splitlines() == [f"6 samples  gan/2 · seed {CHOSEN_SEED}", "→ deep/out.png"]
    with Image.open("deep/out.png") as sheet:
        assert sheet.format == "PNG"


async def test_a_sheet_without_a_name_never_writes_over_another(folder: Path) -> None:
    """It gets one of its own, and says which."""
    (folder / "gan-sample.png").write_bytes(b"precious")
    async with serving_images() as server:
        first = await podium(server, "sample", "gan")
        second = await podium(server, "sample", "gan")

    assert first.output.splitlines()[-1] == "→ gan-sample-2.png"
    assert second.output.splitlines()[-1] == "→ gan-sample-3.png"
    assert (folder / "gan-sample.png").read_bytes() == b"precious"


async def test_a_file_that_was_named_is_written_over(folder: Path) -> None:
    """As its user said."""
    (folder / "out.png").write_bytes(b"old")
    async with serving_images() as server:
        await podium(server, "sample", "gan", "-o", "out.png")

    assert (folder / "out.png").read_bytes()[:4] == b"\x89PNG"


async def test_a_folder_gets_a_file_a_picture(folder: Path) -> None:
    """Named by index, as the server made them; more than a call's 1,024 come as a stream."""
    async with serving_images() as server:
        few = await podium(server, "sample", "gan", "-n", "3", "--first-index", "5", "-o", "few/")
        many = await podium(server, "sample", "gan", "-n", "1100", "-o", "many/")

    assert {file.name: file.read_bytes() for file in (folder / "few").iterdir()} == {
        f"{index:06}.png": png(index) for index in (5, 6, 7)
    }
    assert few.output.splitlines()[-1] == "→ few/000005.png … 000007.png"
    assert many.output.splitlines()[0].startswith("1,100 samples")
    assert len(list((folder / "many").iterdir())) == 1100


async def test_samples_for_programs_tell_all_that_makes_them_again() -> None:
    """Seed, latents, classes with their names, and where the pictures are."""
    async with serving_images() as server:
        result = await podium(server, "sample", "gan", "-n", "2", "--seed", "9", "--class", "two", "--json", "-o", "x/")

    told = json.loads(result.output)
    assert (told["metadata"]["seed"], told["metadata"]["version"]) == (9, 2)
    assert told["files"] == ["x/000000.png", "x/000001.png"]
    assert told["pictures"][1] == {
        "class": 2,
        "class_name": "two",
        "latent": [1, 9, 2, 0],
        "file": "x/000001.png",
    }


async def test_options_of_a_sample_reach_the_server() -> None:
    """A class goes as it was written: whether it is a name or an index, the model knows."""
    async with serving_images() as server:
        options = ["--seed", "3", "--class", "1", "--temperature", "0.7", "--truncation", "2"]
        await podium(server, "sample", "gan", *options)

    (request,) = server.image_requests
    assert (request.count, request.seed, request.temperature, request.truncation) == (16, 3, 0.7, 2)
    assert request.class_condition.name == "1"


async def test_reconstructions_are_told_with_their_errors() -> None:
    """One a file, in order."""
    async with serving_images() as server:
        shown = await podium(server, "reconstruct", "vae", "a.png", "b.png", "-o", "r.png")
        told = json.loads((await podium(server, "reconstruct", "vae", "a.png", "b.png", "--json")).output)

    assert shown.output.splitlines()[-1] == "→ r.png"
    assert (told["sources"], told["mean_squared_errors"]) == (["a.png", "b.png"], [0, 0.125])
    assert told["files"] == ["vae-reconstruct.png"]


@pytest.mark.parametrize(
    ("ends", "brightness"),
    [
        (["a.png", "b.png"], [10, 25, 40]),
        (["--from-seed", "5", "--to-seed", "6"], [0, 0, 0]),
        (["a.png", "--to-seed", "6"], [10, 5, 0]),
        (["b.png", "--from-seed", "6"], [0, 20, 40]),
    ],
)
async def test_a_way_has_files_or_seeds_as_its_ends(ends: list[str], brightness: list[int]) -> None:
    """A lone file is the end that no seed is given for; a seed's class is kept."""
    async with serving_images() as server:
        result = await podium(server, "interpolate", "vae", *ends, "--steps", "3", "--json")

    told = json.loads(result.output)
    assert [round(picture["latent"][0]) for picture in told["pictures"]] == brightness
    assert server.image_requests[-1].HasField("class_condition") == any("seed" in end for end in ends)


@pytest.mark.parametrize("ends", [[], ["a.png"], ["a.png", "b.png", "--to-seed", "1"], ["a.png", "a.png", "a.png"]])
async def test_a_way_without_two_ends_is_a_wrong_command_line(ends: list[str]) -> None:
    """It says what would be right."""
    async with serving_images() as server:
        result = await podium(server, "interpolate", "vae", *ends)

    assert result.exit_code == 2
    assert "a way has two ends" in result.stderr


async def test_dimensions_are_traversed_from_a_file_a_seed_or_the_middle() -> None:
    """Rows are told with their values."""
    async with serving_images() as server:
        options = ["--dimensions", "3,0", "--low", "-1", "--high", "1", "--steps", "3", "--json"]
        file = json.loads((await podium(server, "traverse", "vae", "a.png", *options)).output)
        seed = json.loads((await podium(server, "traverse", "vae", "--from-seed", "8", *options)).output)
        await podium(server, "traverse", "vae")

    assert file["rows"] == [{"dimension": 3, "values": [-1, 0, 1]}, {"dimension": 0, "values": [-1, 0, 1]}]
    assert [picture["latent"][0] for picture in file["pictures"]] == [10, 10, 10, 9, 10, 11]
    assert seed["pictures"][0]["latent"] == [0, 8, 0, -1]
    assert not server.image_requests[-1].HasField("origin")


async def test_edits_have_a_row_a_source() -> None:
    """Files first, then seeds; strengths may begin with a minus."""
    async with serving_images() as server:
        options = ["--direction", "smile", "--strength", "-2,0,2", "--from-seed", "4", "--json"]
        told = json.loads((await podium(server, "edit", "vae", "a.png", *options)).output)

    assert (told["sources"], told["strengths"]) == (["a.png", "seed 4"], [-2, 0, 2])
    assert [picture["latent"][0] for picture in told["pictures"]] == [8, 10, 12, -2, 0, 2]


async def test_an_edit_without_a_direction_says_which_there_are() -> None:
    """From the model's own description."""
    async with serving_images() as server:
        result = await podium(server, "edit", "vae", "a.png")

    assert result.exit_code == 2
    assert "--direction is missing: vae has smile" in result.stderr


async def test_encodings_are_told_with_their_spread() -> None:
    """The standard deviation for people, exp(0.5/2) = 1.28; all numbers for programs."""
    async with serving_images() as server:
        shown = await podium(server, "encode", "vae", "a.png")
        (told,) = json.loads((await podium(server, "encode", "vae", "a.png", "--json")).output)

    assert shown.output.splitlines() == [
        "a.png  vae/2 · 2.5 nats",
        "+10.00±1.28  +1.00±1.28  +2.00±1.28  +3.00±1.28",
    ]
    assert (told["mean"], told["log_variance"], told["kl_nats"]) == ([10, 1, 2, 3], [0.5] * 4, 2.5)


async def test_what_a_model_cannot_is_said_in_one_line() -> None:
    """By the server, with status 1."""
    async with serving_images() as server:
        result = await podium(server, "encode", "gan", "a.png")

    assert (result.exit_code, result.output) == (1, "Error: gan has no encoder: it can sample and decode\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sample", "gan", "-o", "x.gif"], "'x.gif' ends in .gif; give a file ending in .png"),
        (["sample", "gan", "-o", "x"], "ends in nothing"),
        (["sample", "gan", "-n", "0"], "0 is not in the range"),
        (["sample", "gan", "--seed", "-1"], "-1 is not in the range"),
        (["reconstruct", "vae"], "Missing argument"),
        (["reconstruct", "vae", "nowhere.png"], "does not exist"),
        (["traverse", "vae", "--dimensions", "0,x"], "'0,x'; give numbers with commas between them, such as 0,3"),
        (["traverse", "vae", "a.png", "--from-seed", "1"], "not both"),
        (["edit", "vae", "--direction", "smile"], "nothing to edit"),
    ],
)
async def test_a_wrong_command_line_is_refused_before_the_server_is_asked(arguments: list[str], said: str) -> None:
    """With status 2."""
    async with serving_images() as server:
        result = await podium(server, *arguments)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not server.num_calls


async def test_a_file_that_is_no_picture_is_refused_by_name(folder: Path) -> None:
    """Before the server is asked."""
    (folder / "notes.png").write_text("no picture")
    async with serving_images() as server:
        result = await podium(server, "reconstruct", "vae", "notes.png")

    assert (result.exit_code, result.output) == (1, "Error: notes.png: no picture that can be read\n")
    assert not server.num_calls


async def test_a_place_that_cannot_be_written_is_named(folder: Path) -> None:
    """The pictures' seed is lost, but the cause is not."""
    (folder / "file").write_text("in the way")
    async with serving_images() as server:
        sheet = await podium(server, "sample", "gan", "-o", "file/out.png")
        each = await podium(server, "sample", "gan", "-o", "file/out/")

    assert [sheet.exit_code, each.exit_code] == [1, 1]
    assert sheet.output.startswith("Error: file")
    assert each.output.startswith("Error: file")
