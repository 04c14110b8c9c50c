"""`podium models` and `podium classify` against a real gRPC server."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from grpc import StatusCode
from podium_client.catalogue import ExecutionPlan, Model, ModelVersion, VersionState
from podium_client.commands.models import models_table
from podium_client.main import main
from rich.console import Console

from tests.client.fake_server import FakeServer, Refusal, reason, serving

BAD_PICTURE = Refusal(StatusCode.INVALID_ARGUMENT, "images[0]: no picture", (reason("INVALID_ARGUMENT"),))


async def podium(server: FakeServer, *arguments: str) -> Result:
    """Run the command in another thread: this one's event loop serves."""
    environment = {"PODIUM_ADDRESS": server.address, "COLUMNS": "120", "NO_COLOR": "1"}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of three pictures and a text; the fake classifies by first byte."""
    for name, content in {"b.png": b"\x02", "a.JPG": b"\x01", "c.webp": b"\x03", "notes.txt": b"\x04"}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.png").write_bytes(b"\x05")
    return tmp_path


async def test_models_shows_state_plan_and_reason() -> None:
    """One row a version; the bare name's version is marked."""
    async with serving() as server:
        result = await podium(server, "models")

    assert result.exit_code == 0
    row = next(line for line in result.output.splitlines() if line.startswith("digits/2*"))
    assert row.split() == ["digits/2*", "ready", "image", "classification", "CPU", "4×2×1", "430", "0.25", "s"]
    assert "digits/3  model.onnx: its digest is not the manifest's" in result.output


def test_models_keeps_to_a_narrow_terminal() -> None:
    """States and numbers stay whole in 80 columns; a long name is folded."""
    fast = ExecutionPlan("model", 64, 1, 1, 10_827_013.7, "measured")
    versions = (
        ModelVersion(1, VersionState.UNAVAILABLE, "cut", "unspecified", "", (), 0.0),
        ModelVersion(2, VersionState.READY, "", "image-classification", "CPUExecutionProvider", (fast,), 10.04),
    )
    page = io.StringIO()
    name = "a-name-of-some-forty-letters-and-still-on"
    Console(width=80, file=page, color_system=None).print(models_table([Model(name, versions, 2)]))

    assert all(
        whole in page.getvalue()
        for whole in ("unavailable", "ready", "classification", "CPU", "64×1×1", "10.8 M", "10.04 s")
    )


async def test_models_prints_json_for_programs() -> None:
    """The fields are those of the typed values."""
    async with serving() as server:
        (digits,) = json.loads((await podium(server, "models", "--json")).output)

    assert (digits["name"], digits["default_version"]) == ("digits", 2)
    assert digits["versions"][0]["state"] == "ready"
    assert digits["versions"][0]["plans"][0]["rows_per_second"] == 430.5


async def test_classify_answers_files_in_order_with_bars(pictures: Path) -> None:
    """A bar for each class, three quarters of 24 characters long for 75 %."""
    async with serving() as server:
        result = await podium(server, "classify", "digits", str(pictures / "b.png"), str(pictures / "a.JPG"))

    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert lines[0] == f"{pictures}/b.png  digits/3 · 4.0 ms"
    assert lines[1].split() == ["75.00%", "━" * 18, "byte", "2"]
    assert lines[2].split() == ["25.00%", "━" * 6, "class", "7"]
    assert lines[3].startswith(f"{pictures}/a.JPG")


async def test_classify_takes_the_pictures_of_a_directory(pictures: Path) -> None:
    """By name, whatever the case of the ending, without those below."""
    async with serving() as server:
        answers = json.loads((await podium(server, "classify", "digits", str(pictures), "--json")).output)

    assert [Path(answer["file"]).name for answer in answers] == ["a.JPG", "b.png", "c.webp"]
    assert [answer["classes"][0]["index"] for answer in answers] == [1, 2, 3]


async def test_a_file_that_fails_does_not_stop_the_others(pictures: Path) -> None:
    """It is reported on standard error, and the status is 1."""
    async with serving(BAD_PICTURE) as server:
        files = [str(pictures / name) for name in ("a.JPG", "nowhere.png", "b.png")]
        result = await podium(server, "classify", "digits", *files, "--concurrency", "1")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"{files[0]}  images[0]: no picture",
        f"{files[1]}  No such file or directory",
    ]
    assert f"{files[2]}  digits/3" in result.stdout


async def test_failures_are_in_the_json_too(pictures: Path) -> None:
    """With a reason for programs, beside the answers."""
    async with serving(BAD_PICTURE) as server:
        files = [str(pictures / name) for name in ("a.JPG", "b.png")]
        result = await podium(server, "classify", "digits", *files, "--json", "--concurrency", "1")

    failed, answered = json.loads(result.stdout)
    assert result.exit_code == 1
    assert failed["error"] == {"reason": "INVALID_ARGUMENT", "message": "images[0]: no picture"}
    assert answered["metadata"]["version"] == 3


async def test_what_every_file_would_meet_is_said_once(pictures: Path) -> None:
    """An unknown model ends the command with one line."""
    unknown = Refusal(StatusCode.NOT_FOUND, "no model 'x'", (reason("MODEL_NOT_FOUND"),))
    async with serving(*[unknown] * 9) as server:
        result = await podium(server, "classify", "x", str(pictures))

    assert (result.exit_code, result.output) == (1, "Error: no model 'x'\n")


async def test_logits_are_shown_beside_their_classes(pictures: Path) -> None:
    """And all of them in JSON."""
    async with serving() as server:
        shown = await podium(server, "classify", "digits", str(pictures / "a.JPG"), "--logits", "--top-k", "1")
        told = await podium(server, "classify", "digits", str(pictures / "a.JPG"), "--logits", "--json")

    assert shown.output.splitlines()[1].split()[-1] == "0.5000"
    assert json.loads(told.output)[0]["logits"] == [0.5] * 256


async def test_many_files_keep_to_their_number_under_way(pictures: Path) -> None:
    """With two at once, a third call comes only after an answer."""
    for number in range(20):
        (pictures / f"{number:02}.png").write_bytes(bytes([number]))
    async with serving(closed=True) as server:
        running = asyncio.create_task(podium(server, "classify", "digits", str(pictures), "--concurrency", "2"))
        await server.arrived.wait()
        server.gate.set()
        await running

    assert server.num_calls == 23
    assert server.most_inside <= 2


async def test_no_server_is_said_with_what_to_do(pictures: Path) -> None:
    """One line, status 1."""
    async with serving() as server:
        pass
    result = await podium(server, "models")

    assert result.exit_code == 1
    assert result.output == (
        f"Error: no server at {server.address}: Connection refused; is `podium serve` running there?\n"
    )


@pytest.mark.parametrize("arguments", [["classify", "digits"], ["classify"], ["models", "--top"], ["models", "x"]])
def test_a_wrong_command_line_has_status_2(arguments: list[str]) -> None:
    """As every command does."""
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_a_directory_without_pictures_is_refused(tmp_path: Path) -> None:
    """With the endings that count as pictures."""
    result = CliRunner().invoke(main, ["classify", "digits", str(tmp_path)])

    assert result.exit_code == 1
    assert "a directory without pictures (.jpeg, .jpg, .png, .webp)" in result.output
