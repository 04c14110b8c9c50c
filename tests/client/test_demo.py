"""The demo's own parts: what it reads, what it draws, and that it fails where an answer is wrong."""

import asyncio
import io
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image
from podium_client import (
    Classification,
    ClassScore,
    Client,
    FrameClassification,
    ResponseMetadata,
    Timings,
    VideoClassification,
)
from podium_client.commands.bars import bar, bars_table
from podium_client.commands.clip_report import print_clip
from podium_client.demo import samples
from podium_client.demo.digits import draw_digits
from podium_client.demo.photos import draw_photos
from podium_client.demo.pictures import show_pictures
from podium_client.demo.server_metrics import read_samples, total
from podium_client.demo.server_process import Addresses, serving
from podium_client.demo.stage import Stage
from podium_client.sheets import drawing
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from rich.console import Console

from tests.client.fake_images import serving_images

METADATA = ResponseMetadata("digits", 1, None, "CPUExecutionProvider", Timings(4, 1, 0.5, 2))


def answer(label: str, index: int = 0) -> Classification:
    return Classification((ClassScore(index, label, 0.9),), None, METADATA)


def test_a_metrics_page_is_read_as_prometheus_writes_it() -> None:
    """Labels with quotes and braces included; totals add up over what is not asked for."""
    registry = CollectorRegistry()
    counter = Counter("calls", "Calls.", ("model", "code"), registry=registry)
    counter.labels("a", "OK").inc(3)
    counter.labels("a", "NOT_FOUND").inc(2)
    counter.labels('b "},x', "OK").inc(5)
    Histogram("seconds", "Seconds.", registry=registry).observe(0.25)

    page = read_samples(generate_latest(registry).decode())

    assert total(page, "calls_total") == 10
    assert total(page, "calls_total", model="a") == 5
    assert total(page, "calls_total", model="a", code="OK") == 3
    assert total(page, "seconds_sum") == 0.25
    assert total(page, "seconds_bucket", le="+Inf") == 1


def test_photos_are_those_of_scikit_image() -> None:
    """Each is a picture that can be opened."""
    photos = samples.photos()

    assert [photo.name for photo in photos] == ["coffee", "chelsea", "rocket", "camera", "astronaut"]
    for photo in photos:
        with Image.open(photo.path) as image:
            image.verify()


def test_digits_come_in_turns() -> None:
    """Every class as often as every other, as bytes of 28 by 28."""
    digits = samples.digits(2)

    assert [digit.label for digit in digits] == [*range(10), *range(10)]
    assert {(digit.pixels.shape, str(digit.pixels.dtype)) for digit in digits} == {((28, 28), "uint8")}


def test_missing_pictures_are_named_with_the_way_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger can act on it."""
    monkeypatch.setitem(sys.modules, "skimage", None)

    with pytest.raises(
        click.ClickException, match=r"scikit-image, which is not installed: pip install 'podium\[dev\]'"
    ):
        samples.photos()


def test_the_sheet_of_photos_shows_each_of_them() -> None:
    """A card each, and one for who answered, three in a row."""
    photos = samples.photos()

    sheet = draw_photos(photos, [answer(photo.name) for photo in photos])

    assert sheet.size == (1464, 1040)
    cards = np.asarray(sheet.convert("RGB"))
    assert cards[24 + 300 + 10, 24 + 200].tolist() == [255, 255, 255]


def test_a_wrong_digit_is_red() -> None:
    """And only that one."""
    digits = samples.digits(1)
    right = [answer(str(digit.label), digit.label) for digit in digits]
    wrong = [*right[:7], answer("1", 1), *right[8:]]
    red = tuple(int(drawing.WRONG[place : place + 2], 16) for place in (1, 3, 5))

    def num_red(answers: list[Classification]) -> int:
        pixels = np.asarray(draw_digits(digits, answers, 9).convert("RGB"))
        return int((pixels == red).all(axis=-1).sum())

    assert num_red(right) == 0
    assert num_red(wrong) > 100


@pytest.mark.parametrize(("fraction", "drawn"), [(0.0, ""), (0.5, "━" * 12), (0.52, "━" * 12 + "╸"), (1.0, "━" * 24)])
def test_a_bar_is_as_long_as_its_fraction(fraction: float, drawn: str) -> None:
    """To half a character of 24."""
    assert bar(fraction).plain.rstrip() == drawn


def test_a_label_is_shown_as_it_is() -> None:
    """Brackets are no markup, and it does not command the terminal; of pictures and of frames."""
    score = ClassScore(0, "[bold] a\x1b[2J", 1.0)
    page = io.StringIO()
    console = Console(file=page, width=80)

    console.print(bars_table(Classification((score,), None, METADATA)))
    frames = (FrameClassification(0, (score,), None),)
    print_clip(VideoClassification((), None, frames, 1, 1, None, "all", METADATA), console)

    assert page.getvalue().count("[bold] a\ufffd[2J") == 2


def test_a_text_without_room_is_cut_with_an_ellipsis() -> None:
    """At the last character that fits."""
    chosen = drawing.font(20)
    room = chosen.getlength("harmonica, mouth…")

    assert drawing.shortened("harmonica, mouth organ", chosen, room) == "harmonica, mouth…"
    assert drawing.shortened("harp", chosen, room) == "harp"


def test_a_wrong_answer_is_a_problem_with_what_was_expected(tmp_path: Path) -> None:
    """The demo's exit status depends on it."""
    console = Console(file=io.StringIO(), markup=False)
    stage = Stage(None, None, tmp_path, tmp_path, console)  # type: ignore[arg-type]

    stage.expect(True, "coffee", expected="espresso", got="espresso")
    stage.expect(False, "camera", expected="tripod", got="harp")

    assert stage.problems == ["camera: expected tripod, got harp"]


async def test_models_that_are_missing_are_named_with_what_makes_them(tmp_path: Path) -> None:
    """And the chapter goes on to its end."""
    console = Console(file=io.StringIO(), markup=False)
    async with serving_images() as server:

        def show() -> list[str]:
            with Client(server.address) as client:
                stage = Stage(client, Addresses(server.address, ""), tmp_path / "models", tmp_path, console)
                show_pictures(stage)
                return stage.problems

        problems = await asyncio.to_thread(show)

    assert [problem.partition(":")[0] for problem in problems] == [
        f"the model {name}" for name in ("digits-gan", "digits-vae", "denoiser", "faces")
    ]
    assert all(f"`podium bundle --repository {tmp_path / 'models'}` makes it" in problem for problem in problems)


def test_a_server_that_does_not_start_shows_its_last_words(tmp_path: Path) -> None:
    """Such as that there is no such repository."""
    nowhere = tmp_path / "nowhere"

    with pytest.raises(click.ClickException, match="nowhere") as caught, serving(nowhere, tmp_path / "log"):
        pass

    assert "before it was ready" in str(caught.value)
