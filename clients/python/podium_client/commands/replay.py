"""`podium replay`: whether another machine or version gives the same answers."""

import asyncio
import dataclasses
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_options import file_type
from podium_client.demo.server_process import serving
from podium_client.replay.answerer import who_answered
from podium_client.replay.captured import Captured, read_captured
from podium_client.replay.comparison import Comparison
from podium_client.replay.replayer import Replayed, Replayer


@click.command()
@click.argument("files", nargs=-1, required=True, type=file_type)
@click.option("--model", metavar="MODEL", help="Ask another one: name, name/version or name@alias.")
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Ask a server of this repository, which runs here as long as this takes.",
)
@click.option(
    "--tolerance",
    metavar="NUMBER",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Differences of numbers up to this count as none.",
)
@server_options
@timeout_option
@json_option
@shows_errors
def replay(
    *,
    files: tuple[Path, ...],
    model: str | None,
    repository: Path | None,
    tolerance: float,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Ask captured calls again, and tell how far the answers differ.

    FILES are what `podium serve --capture-dir` wrote. A call is asked of the version that answered then, with the
    seed that was used. Numbers differ by the largest difference, texts by the characters to change. Beside it stands
    what has changed of who answers: the model's files, the execution provider, the machine, versions of what runs
    there. The exit status is 0 when all answers are the same, whoever gave them, else 1.
    """
    calls = [read_captured(file) for file in files]
    if repository is None:
        results = asyncio.run(_replay(server, calls, model, timeout))
    else:
        with tempfile.TemporaryDirectory() as folder, serving(repository, Path(folder) / "log") as process:
            own = Server(process.addresses.grpc, None, None)
            results = asyncio.run(_replay(own, calls, model, timeout))
    pairs = list(zip(files, calls, results, strict=True))
    if as_json:
        click.echo(json.dumps([_record(*each, tolerance) for each in pairs], indent=2))
    else:
        for each in pairs:
            click.echo(_line(*each, tolerance))
    if not all(result.same(tolerance) for result in results):
        raise SystemExit(1)


async def _replay(server: Server, calls: Sequence[Captured], model: str | None, limit_s: float) -> list[Replayed]:
    async with Replayer(
        server.address, timeout=limit_s, credentials=server.credentials, token=server.token
    ) as replayer:
        return [await replayer.replay(call, model) for call in calls]


def _line(file: Path, call: Captured, result: Replayed, tolerance: float) -> str:
    verdict = "same" if result.same(tolerance) else "differs"
    said = _told(result)
    lines = [f"{file}: {verdict}{': ' if said else ''}{said}", f"  then: {who_answered(call.kept)}"]
    if result.answered_by is not None:
        lines.append(f"  now:  {result.answered_by}")
    changed = _changed(call, result)
    if changed:
        lines.append(f"  changed: {'; '.join(changed)}")
    return "\n".join(lines)


def _changed(call: Captured, result: Replayed) -> list[str]:
    """What is another than it was, of who answers."""
    return [] if result.answered_by is None else result.answered_by.changed_since(who_answered(call.kept))


def _told(result: Replayed) -> str:
    """How far, in words; nothing when there is nothing to tell."""
    if result.comparison is None:
        then = "it failed then" if result.failed_then else "it was answered then"
        return f"{then}, and now {result.failure or 'it is answered'}"
    return "; ".join(_parts(result.comparison))


def _parts(comparison: Comparison) -> list[str]:
    parts: list[str] = []
    if comparison.numbers is not None:
        parts.append(f"numbers by up to {comparison.numbers.size:.6g} ({comparison.numbers.field})")
    if comparison.texts is not None:
        parts.append(f"texts by up to {comparison.texts.size:.0f} characters ({comparison.texts.field})")
    return parts + comparison.others


def _record(file: Path, call: Captured, result: Replayed, tolerance: float) -> dict[str, object]:
    kept = call.kept
    return {
        "file": str(file),
        "same": result.same(tolerance),
        "method": kept.method,
        "request_id": kept.request_id,
        "model": kept.model,
        "version": kept.version,
        "model_digest": kept.model_digest,
        "seed": kept.seed if kept.HasField("seed") else None,
        "runtime_versions": dict(kept.runtime_versions),
        "execution_provider": kept.execution_provider,
        "machine": kept.machine,
        "answered_by": None if result.answered_by is None else dataclasses.asdict(result.answered_by),
        "changed": _changed(call, result),
        "failure": result.failure,
        "difference": None if result.comparison is None else dataclasses.asdict(result.comparison),
    }
