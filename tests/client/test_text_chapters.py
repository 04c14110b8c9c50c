"""The demo's chapters of texts: they name what is missing, and fail where an answer is wrong."""

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from podium.v1 import model_service_pb2
from podium_client import Client
from podium_client.demo.captions import pictures, show_captions
from podium_client.demo.likelihoods import show_likelihoods
from podium_client.demo.server_process import Addresses
from podium_client.demo.stage import Stage
from podium_client.demo.story import CHAPTERS
from podium_client.demo.texts import show_texts
from podium_client.demo.translations import show_translations
from podium_client.sheets.passages import Passage, draw_passages
from rich.console import Console

from tests.client.fake_server import FakeServer
from tests.client.fake_texts import serving_texts

SHOWN: list[tuple[Callable[[Stage], None], list[str]]] = [
    (show_texts, ["shakespeare/1", "shakespeare/2", "shakespeare/3", "shakespeare/4"]),
    (show_likelihoods, ["shakespeare"]),
    (show_captions, ["captioner"]),
    (show_translations, ["translator"]),
]


async def staged(server: FakeServer, show: Callable[[Stage], None], folder: Path) -> Stage:
    """Run a chapter in another thread: this one's event loop serves."""

    def run() -> Stage:
        with Client(server.address) as client:
            console = Console(file=io.StringIO(), markup=False, width=100)
            stage = Stage(client, Addresses(server.address, ""), folder / "models", folder, console)
            show(stage)
            return stage

    return await asyncio.to_thread(run)


def ready(name: str, *versions: int) -> model_service_pb2.Model:
    """A model whose versions answer."""
    state = model_service_pb2.VERSION_STATE_READY
    listed = [model_service_pb2.ModelVersion(version=version, state=state) for version in versions]
    return model_service_pb2.Model(name=name, default_version=versions[-1], versions=listed)


@pytest.mark.parametrize(("show", "names"), SHOWN)
async def test_models_that_are_missing_are_named_with_what_makes_them(
    show: Callable[[Stage], None], names: list[str], tmp_path: Path
) -> None:
    """And the chapter ends there, without a call."""
    async with serving_texts() as server:
        stage = await staged(server, show, tmp_path)

    how = f"it is not served; `podium bundle --repository {tmp_path / 'models'}` makes it"
    assert stage.problems == [f"the model {name}: expected in the repository, got {how}" for name in names]
    assert not server.image_requests
    assert show in CHAPTERS


async def test_versions_that_know_no_more_than_the_ones_before_are_a_problem(tmp_path: Path) -> None:
    """The texts are drawn all the same."""
    async with serving_texts() as server:
        server.models = [ready("shakespeare", 1, 2, 3, 4)]
        stage = await staged(server, show_texts, tmp_path)

    assert [problem.partition(":")[0] for problem in stage.problems] == ["nats a character of lines held out"]
    with Image.open(tmp_path / "shakespeare.png") as sheet:
        assert sheet.width > 1000


async def test_a_line_that_is_no_likelier_than_its_disorder_is_a_problem(tmp_path: Path) -> None:
    """The fake counts letters: their order makes no difference to it, but for the first."""
    async with serving_texts() as server:
        server.models = [ready("shakespeare", 4)]
        stage = await staged(server, show_likelihoods, tmp_path)

    assert stage.problems
    assert all("likelier than its words in disorder" in problem for problem in stage.problems)


async def test_wrong_captions_are_a_problem_and_drawn(tmp_path: Path) -> None:
    """With what each picture really shows."""
    async with serving_texts() as server:
        server.models = [ready("captioner", 1)]
        stage = await staged(server, show_captions, tmp_path)

    assert [problem.partition(":")[0] for problem in stage.problems] == ["captions by captioner"]
    assert (tmp_path / "captions.png").exists()


async def test_wrong_translations_are_a_problem(tmp_path: Path) -> None:
    """The dictionary says what is right."""
    async with serving_texts() as server:
        server.models = [ready("translator", 1)]
        stage = await staged(server, show_translations, tmp_path)

    assert [problem.partition(":")[0] for problem in stage.problems] == ["words by translator"]


def test_every_picture_of_the_chapter_is_there() -> None:
    """As its name says, of one artist or the other, beside one photograph."""
    for shown in pictures():
        with Image.open(shown.file) as image:
            image.verify()

    assert [shown.truth for shown in pictures()].count("cat") == 1
    assert {shown.file.stem.partition(".")[2] for shown in pictures()} == {
        "noto-emoji",
        "fluent-emoji",
        "twemoji",
        "",
    }


def test_passages_stand_side_by_side() -> None:
    """Long lines are broken, and what is too long for its card is left out."""
    passages = [Passage(f"poet/{number}", "2.00 nats", "ROMEO:\n", "la " * 400) for number in range(3)]

    sheet = draw_passages("Texts", "poet/2", passages, columns=2, num_lines=5)
    wider = draw_passages("Texts", "poet/2", passages, columns=3, num_lines=5)

    assert sheet.width < wider.width
    assert sheet.height > wider.height
