"""The demo's edits: around the bundled digits, and around models that have other directions or none."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_client import Client
from podium_client.demo.edits import edit_digits
from podium_client.demo.server_process import Addresses, serving
from podium_client.demo.stage import Stage
from podium_export.directions.finding import open_model
from podium_export.directions.revising import add_direction
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from rich.console import Console

from tests.client.fake_images import serving_images


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bundled `digits-vae`, and `wrong`, a copy whose direction "bold" leads the other way."""
    folder = tmp_path_factory.mktemp("demo")
    repository = folder / "models"
    RECIPES["digits-vae"].make(Destination(repository, "digits-vae"), Silence())
    package = open_model(repository, "digits-vae")
    assert package.manifest is not None
    bold = next(each for each in package.manifest.latent_space.directions if each.name == "bold")
    thin = pb.LatentDirection(name="bold", values=[-value for value in bold.values])
    add_direction(package, thin, Destination(repository, "wrong"))
    with serving(repository, folder / "log") as process:
        yield process.addresses.grpc


def edited(address: str, model: str, output: Path) -> tuple[list[str], str, list[str]]:
    """Run the demo's edits of a model; give its problems, what it said, and the pictures that it left."""
    said = io.StringIO()
    with Client(address) as client:
        stage = Stage(client, Addresses(address, ""), output, output, Console(file=said, width=200))
        edit_digits(stage, model)
    return stage.problems, said.getvalue(), sorted(path.name for path in output.iterdir())


def test_the_bundled_digits_are_edited_along_two_directions(address: str, tmp_path: Path) -> None:
    """Each does what its name says, and both pictures are there."""
    problems, said, drawn = edited(address, "digits-vae", tmp_path)
    assert problems == []
    assert "bold from -1 to +1: ink" in said
    assert "slant from -1 to +1: lean" in said
    assert drawn == ["edited-both-ways.png", "edited-digits.png"]


def test_a_direction_that_leads_the_other_way_is_a_problem(address: str, tmp_path: Path) -> None:
    """The one that does not is none."""
    problems, _, _ = edited(address, "wrong", tmp_path)
    assert [problem.partition(", got")[0] for problem in problems] == ["Edit: bold: expected more with each step"]


async def test_a_direction_that_the_demo_does_not_know_is_drawn(tmp_path: Path) -> None:
    """On its own, without a measure, and in one picture."""
    async with serving_images() as server:
        problems, _, drawn = await asyncio.to_thread(edited, server.address, "vae", tmp_path)
    assert problems == []
    assert drawn == ["edited-digits.png"]


async def test_a_model_without_directions_is_told_how_to_find_one(tmp_path: Path) -> None:
    """And nothing is drawn."""
    async with serving_images() as server:
        server.manifests["bare"] = pb.ModelManifest(latent_space=pb.LatentSpace())
        problems, said, drawn = await asyncio.to_thread(edited, server.address, "bare", tmp_path)
    assert problems == []
    assert "`podium directions` finds one" in said
    assert drawn == []
