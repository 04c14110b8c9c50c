"""`podium generate`, `caption`, `translate` and `score` against a real gRPC server."""

import asyncio
import io
import json
import math
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from podium_client import FinishReason, ScoredToken, SequencePiece
from podium_client.commands import text_report
from podium_client.commands.generate import InTurn
from podium_client.commands.scored_tokens import painted, tokens_table
from podium_client.commands.terminal_picture import Display
from podium_client.commands.text_report import visible
from podium_client.main import main
from rich.console import Console

from tests.client.fake_images import png
from tests.client.fake_server import OVERLOADED, FakeServer
from tests.client.fake_texts import CHOSEN_SEED, serving_texts, written


async def podium(server: FakeServer, *arguments: str, given: str | bytes = "") -> Result:
    """Run the command in another thread: this one's event loop serves."""
    environment = {"PODIUM_ADDRESS": server.address, "COLUMNS": "120", "NO_COLOR": "1"}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, input=given, env=environment)


async def test_a_text_is_written_to_standard_output_and_its_seed_told_beside_it() -> None:
    """So that the text alone goes into a pipe, and can be written again."""
    async with serving_texts() as server:
        result = await podium(server, "generate", "poet", "--prompt", "to be")

    assert (result.exit_code, result.stdout) == (0, written("to be") + "\n")
    assert result.stderr == f"poet/2 · seed {CHOSEN_SEED} · end after 40 tokens · 2,000 tokens/s\n"


@pytest.mark.parametrize("given", ["to be", "to be\n", "to be\r\n"])
async def test_a_prompt_comes_from_standard_input_too(given: str) -> None:
    """Without the newline that `echo` puts at its end."""
    async with serving_texts() as server:
        await podium(server, "generate", "poet", given=given)
        await podium(server, "generate", "poet", given="two\nlines\n\n")

    assert [request.prompt for request in server.image_requests] == ["to be", "two\nlines\n"]


async def test_options_of_generation_reach_the_server() -> None:
    """And those that were not given do not."""
    options = [
        "--max-tokens",
        "12",
        "--temperature",
        "0",
        "--top-k",
        "5",
        "--top-p",
        "0.5",
        "--stop",
        "x",
        "--stop",
        "y",
    ]
    more = ["--repetition-penalty", "1.5", "--num-beams", "1", "--length-penalty", "0.5", "-n", "3", "--seed", "9"]
    async with serving_texts() as server:
        await podium(server, "generate", "poet", "--prompt", "", *options, *more, "--replace-unknown")
        await podium(server, "generate", "poet", "--prompt", "")

    first, second = server.image_requests
    decoding = first.decoding
    assert (decoding.max_tokens, decoding.temperature, decoding.top_k, decoding.top_p) == (12, 0, 5, 0.5)
    assert decoding.HasField("temperature")
    assert (list(decoding.stop), decoding.repetition_penalty) == (["x", "y"], 1.5)
    assert (decoding.num_beams, decoding.length_penalty) == (1, 0.5)
    assert (first.num_sequences, first.seed, first.replace_unknown) == (3, 9, True)
    assert not second.decoding.ListFields()
    assert not second.HasField("seed")


async def test_several_texts_are_written_one_after_another() -> None:
    """Though the server writes them side by side."""
    async with serving_texts() as server:
        result = await podium(server, "generate", "poet", "--prompt", "ah", "-n", "2", "--stop", "la", "--seed", "1")

    first, second = (written("ah", 1, number).partition("la")[0] for number in range(2))
    assert result.stdout == f"── 1 of 2\n{first}\n── 2 of 2\n{second}\n"
    assert "seed 1 · stop after 22 tokens" in result.stderr


def test_texts_that_end_in_any_order_are_written_in_theirs() -> None:
    """The first that has not ended comes as it is written; what was ready waits."""
    log: list[str] = []
    in_turn = InTurn(3, lambda number: log.append(f"<{number}>"), log.append)

    def piece(sequence: int, text: str, *, last: bool = False) -> None:
        in_turn.take(SequencePiece(text, sequence, (), None, None, FinishReason.END if last else None))

    piece(1, "b1")
    assert "".join(log) == "<0>"
    piece(0, "a1")
    piece(2, "c1", last=True)
    piece(1, "b2", last=True)
    assert "".join(log) == "<0>a1"
    piece(0, "a2", last=True)
    assert "".join(log) == "<0>a1a2<1>b1b2<2>c1"


async def test_a_text_for_programs_comes_with_everything() -> None:
    """Prompt, sequences, who answered, what it cost."""
    async with serving_texts() as server:
        told = json.loads((await podium(server, "generate", "poet", "--prompt", "to be", "--json")).stdout)

    assert (told["prompt"], told["metadata"]["seed"], told["usage"]["num_output_tokens"]) == ("to be", CHOSEN_SEED, 40)
    (sequence,) = told["sequences"]
    assert (sequence["text"], sequence["finish_reason"]) == (written("to be"), "end")
    assert sequence["probability"] == pytest.approx(0.5)
    assert "log_probabilities" not in sequence


async def test_control_c_ends_the_writing_cleanly() -> None:
    """What was written stays, the seed is told, the server is free, and the status is a shell's for SIGINT."""
    async with serving_texts() as server:
        server.stream_gate.clear()
        command = [sys.executable, "-m", "podium_client", "generate", "poet", "--prompt", "to be"]
        environment = {**os.environ, "PODIUM_ADDRESS": server.address, "PYTHONIOENCODING": "utf-8"}
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment)
        assert process.stdout is not None
        assert await process.stdout.readexactly(5) == b"TO BE"

        process.send_signal(signal.SIGINT)
        rest, told = await process.communicate()
        await server.left.wait()

    assert process.returncode == 130
    assert rest == b"\n"
    assert told.decode() == f"poet/2 · seed {CHOSEN_SEED} · cut short\n"


async def test_a_text_that_breaks_off_keeps_what_was_written() -> None:
    """With the seed, and why; the status is 1."""
    async with serving_texts() as server:
        server.stream_refusal = OVERLOADED
        result = await podium(server, "generate", "poet", "--prompt", "to be")

    assert (result.exit_code, result.stdout) == (1, "TO BE\n")
    assert result.stderr == f"poet/2 · seed {CHOSEN_SEED} · cut short\nError: the queue is full\n"


@pytest.mark.parametrize(
    ("written_by_it", "shown"), [("two\nlines\tof é", "two\nlines\tof é"), ("\x1b[2Jgone\x07\r\x9b", "�[2Jgone���")]
)
def test_a_text_does_not_command_the_terminal(written_by_it: str, shown: str) -> None:
    """A network may write any character; those that a terminal obeys are replaced there."""
    assert visible(written_by_it) == shown


async def test_photos_are_captioned_in_order_with_bars(tmp_path: Path) -> None:
    """The n best of each, with their probabilities; one that fails does not stop the others."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(png(7))
    size = len(png(7))
    files = [str(tmp_path / name) for name in ("a.png", "nowhere.png", "b.png")]
    async with serving_texts() as server:
        result = await podium(server, "caption", "captioner", *files, "--num-best", "2", "--concurrency", "1")

    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert lines[0] == f"{files[0]}  captioner/2 · seed {CHOSEN_SEED} · 9.0 ms"
    assert lines[1].split(maxsplit=2) == ["50.00%", "━" * 12, f"a picture of {size} bytes"]
    assert lines[2].split(maxsplit=2) == ["25.00%", "━" * 6, f"a picture of {size} bytes."]
    assert lines[3].startswith(files[2])
    assert result.stderr == f"{files[1]}  No such file or directory\n"
    assert server.image_requests[0].num_best == 2


async def test_each_photo_is_shown_where_the_terminal_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above its captions."""

    def display_of(_console: Console, _environment: Mapping[str, str]) -> Display:
        return Display.CELLS

    monkeypatch.setattr("podium_client.commands.caption.display_of", display_of)
    (tmp_path / "a.png").write_bytes(png(7))
    async with serving_texts() as server:
        result = await podium(server, "caption", "captioner", str(tmp_path / "a.png"))

    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert "▀" in lines[1]
    assert "a picture of" in lines[-1]


async def test_captions_for_programs(tmp_path: Path) -> None:
    """A record a file."""
    (tmp_path / "a.png").write_bytes(b"12345")
    async with serving_texts() as server:
        result = await podium(server, "caption", "captioner", str(tmp_path), "--json", "--seed", "3", "--num-best", "1")

    (record,) = json.loads(result.stdout)
    assert record["file"] == str(tmp_path / "a.png")
    assert [caption["text"] for caption in record["captions"]] == ["a picture of 5 bytes"]
    assert record["metadata"]["seed"] == 3


async def test_one_translation_of_each_text_is_a_line() -> None:
    """Of arguments, or of the lines of standard input, with empty ones kept: lines stay beside lines."""
    async with serving_texts() as server:
        named = await podium(server, "translate", "translator", "abc", "de")
        piped = await podium(server, "translate", "translator", given="abc\n\nde\r\n")
        nothing = await podium(server, "translate", "translator", given="")

    assert (named.exit_code, named.stdout) == (0, "cba\ned\n")
    assert piped.stdout == "cba\n\ned\n"
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert named.stderr == f"translator/2 · seed {CHOSEN_SEED}\n"


async def test_many_lines_are_translated_in_calls_of_64() -> None:
    """However many there are."""
    lines = [f"line {number}" for number in range(150)]
    async with serving_texts() as server:
        result = await podium(server, "translate", "translator", given="\n".join(lines))

    assert result.stdout.splitlines() == [line[::-1] for line in lines]
    assert [len(request.texts) for request in server.image_requests] == [64, 64, 22]


async def test_the_best_translations_are_shown_with_bars() -> None:
    """Below the text that they translate; programs get the same."""
    async with serving_texts() as server:
        shown = await podium(server, "translate", "translator", "abc", "--num-best", "2")
        told = json.loads((await podium(server, "translate", "translator", "abc", "--num-best", "2", "--json")).stdout)

    assert [line.split() for line in shown.stdout.splitlines()] == [
        ["abc"],
        ["50.00%", "━" * 12, "cba"],
        ["25.00%", "━" * 6, "cba."],
    ]
    assert told[0]["text"] == "abc"
    assert [translation["text"] for translation in told[0]["translations"]] == ["cba", "cba."]


async def test_texts_are_scored_by_file_and_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In nats and perplexity."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vowels.txt").write_text("xaeiou")
    async with serving_texts() as server:
        result = await podium(server, "score", "poet", "vowels.txt", "--text", "xbcd")
        piped = await podium(server, "score", "poet", "--json", given="xa")

    header, _rule, vowels, consonants = result.stdout.splitlines()[1:5]
    assert header.split() == ["text", "nats/token", "perplexity", "log-likelihood", "tokens"]
    assert vowels.split()[-4:] == [f"{math.log(2):.3f}", "2.00", f"{5 * math.log(0.5):.1f}", "5"]
    assert consonants.split() == ["xbcd", f"{math.log(8):.3f}", "8.00", f"{3 * math.log(1 / 8):.1f}", "3"]
    (record,) = json.loads(piped.stdout)
    assert (record["name"], record["num_tokens"]) == ("standard input", 1)
    assert record["nats_per_token"] == pytest.approx(math.log(2))


async def test_each_token_is_shown_with_what_it_costs() -> None:
    """As a table where there are no colours."""
    async with serving_texts() as server:
        shown = await podium(server, "score", "poet", "--text", "x a\n", "--tokens")
        told = json.loads((await podium(server, "score", "poet", "--text", "xa", "--tokens", "--json")).stdout)

    rows = [line.split() for line in shown.stdout.splitlines()[4:7]]
    assert [row[:3] for row in rows] == [["␣", "12.50%", "2.079"], ["a", "50.00%", "0.693"], ["⏎", "12.50%", "2.079"]]
    assert told[0]["tokens"] == [{"id": 97, "text": "a", "log_probability": pytest.approx(math.log(0.5))}]


def test_what_surprised_the_model_is_painted() -> None:
    """The text stays readable as it is; what was expected stays plain."""
    tokens = [ScoredToken(0, "The ", math.log(0.9)), ScoredToken(1, "end\n", math.log(0.001))]

    text = painted(tokens)

    assert text.plain.startswith("The end⏎\n")
    assert next((span.start, span.end, span.style) for span in text.spans) == (4, 9, "black on color(203)")
    page = io.StringIO()
    Console(file=page, width=80).print(tokens_table(tokens))
    assert "0.10%" in page.getvalue()


async def test_bench_reads_texts_where_there_is_a_prompt() -> None:
    """Tokens a second, and what a reader waits for, for people and programs."""
    options = ["--prompt", "to be", "--callers", "2", "--seconds", "0.2", "--warmup", "0", "--max-tokens", "10"]
    async with serving_texts() as server:
        shown = await podium(server, "bench", "poet", *options, "--address", server.address)
        told = await podium(server, "bench", "poet", *options, "--address", server.address, "--json")
        wrong = await podium(server, "bench", "poet", "--prompt", "ß", "--address", server.address)
        without = await podium(server, "bench", "shakespeare", "--address", server.address)

    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[0] == "poet/2: StreamGenerate, 10 tokens at most"
    assert "to the first token, p99" in shown.stdout
    figures = json.loads(told.stdout)
    assert (figures["streams"], figures["errors"]) == (2, {})
    assert figures["tokens_per_s"] > 0
    assert (wrong.exit_code, wrong.stderr) == (1, "Error: prompt: 'ß' is not in the vocabulary\n")
    assert (without.exit_code, "give --prompt TEXT" in without.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate", "poet", "--prompt", "x", "--max-tokens", "0"], "0 is not in the range"),
        (["generate", "poet", "--prompt", "x", "--top-p", "1.5"], "1.5 is not in the range"),
        (["generate"], "Missing argument"),
        (["caption", "captioner"], "Missing argument"),
        (["translate", "translator", "x", "--num-best", "0"], "0 is not in the range"),
        (
            ["score", "poet", "nowhere.txt"],
            "there is no file 'nowhere.txt'; to score these words themselves, use --text",
        ),
    ],
)
async def test_a_wrong_command_line_is_refused_before_the_server_is_asked(arguments: list[str], said: str) -> None:
    """With status 2."""
    async with serving_texts() as server:
        result = await podium(server, *arguments)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())
    assert not server.num_calls


class Terminal(io.StringIO):
    """Where somebody sits and types nothing."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("command", ["generate", "translate", "score"])
async def test_a_terminal_is_asked_for_nothing(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that would wait for typing says what it lacks, with status 2."""
    monkeypatch.setattr(text_report, "sys", SimpleNamespace(stdin=Terminal()))
    async with serving_texts() as server:
        result = await podium(server, command, "poet")

    assert result.exit_code == 2
    assert "nothing to" in result.stderr


@pytest.mark.parametrize("command", ["generate", "translate", "score"])
async def test_standard_input_that_is_no_text_is_refused(command: str) -> None:
    """With the first byte that is wrong."""
    async with serving_texts() as server:
        result = await podium(server, command, "poet", given=b"ab\xff")

    assert result.exit_code == 1
    assert "standard input is not UTF-8: byte 2" in result.stderr
    assert not server.num_calls


async def test_a_refusal_is_one_line() -> None:
    """In the server's words, with status 1."""
    async with serving_texts() as server:
        results = [
            await podium(server, "generate", "poet", "--prompt", "ß"),
            await podium(server, "translate", "poet", "ß"),
            await podium(server, "score", "poet", "--text", "ß"),
        ]

    assert [result.exit_code for result in results] == [1, 1, 1]
    assert {result.output for result in results} == {"Error: prompt: 'ß' is not in the vocabulary\n"}
