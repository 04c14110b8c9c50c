"""`podium bench`: how many requests a second a served model answers, and how long each takes."""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from podium_client.channel import DEFAULT_ADDRESS
from podium_client.errors import InvalidArgumentError, PodiumError
from podium_client.load.closed_loop import Load, drive
from podium_client.load.event_loop import run
from podium_client.load.measured import Measured
from podium_client.load.server_timing import SERVER_TIMING, read_server_timing
from podium_client.load.target import Payload, Target, prepare

_PARTS = {"preprocess": "decoding, preprocessing", "queue": "waiting for a session", "run": "running the batch"}


def _axis(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    axes: dict[str, int] = {}
    for value in values:
        name, _sign, length = value.partition("=")
        if not name or not length.isdecimal():
            raise click.BadParameter(f"{value!r}; give NAME=LENGTH, such as time=32")
        axes[name] = int(length)
    return axes


@click.command()
@click.argument("model")
@click.option("--address", default=DEFAULT_ADDRESS, show_default=True, help="HOST:PORT of the gRPC port.")
@click.option(
    "--callers", type=click.IntRange(1, 4096), default=16, show_default=True, help="Calls under way at any moment."
)
@click.option(
    "--connections",
    type=click.IntRange(1, 256),
    default=None,
    help="HTTP/2 connections they share.  [default: 1 per 16 callers]",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    help="Length of the measured window.",
)
@click.option(
    "--warmup",
    "warmup_s",
    type=click.FloatRange(0, 600),
    default=1.0,
    show_default=True,
    help="Seconds of load before it.",
)
@click.option(
    "--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Classify this picture in every call."
)
@click.option("--typed", is_flag=True, help="Classify a random picture, in place of sending the network's own input.")
@click.option(
    "--axis",
    "axes",
    multiple=True,
    callback=_axis,
    metavar="NAME=LENGTH",
    help="Length of a dynamic axis of the input; 1 when not given.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random input.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def bench(
    *,
    model: str,
    address: str,
    callers: int,
    connections: int | None,
    seconds: float,
    warmup_s: float,
    image: Path | None,
    typed: bool,
    axes: dict[str, int],
    seed: int,
    as_json: bool,
) -> None:
    """Measure how quickly a served MODEL answers.

    A number of callers each send the same request again as soon as it is answered. The request is the network's
    own input, random, through the Open Inference Protocol; with --image or --typed, a picture through Classify.
    Load generator and server compete for cores when they share a machine.
    """
    console = Console(stderr=True, quiet=as_json)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=2,
        transient=True,
    )
    try:
        host, port = _host_and_port(address)
        target = run(prepare(address, model, Payload(image, typed, axes, seed)))
        load = Load(
            host,
            port,
            target.path,
            target.request,
            callers,
            min(callers, connections or -(-callers // 16)),
            warmup_s,
            seconds,
        )
        with progress:
            task = progress.add_task(f"{callers} callers", total=warmup_s + seconds)
            measured = run(drive(load, on_tick=lambda elapsed: progress.update(task, completed=elapsed)))
    except PodiumError as error:
        raise click.ClickException(str(error)) from error
    figures = _figures(target, load, measured)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        click.echo(f"{figures['model']}/{figures['version']}: {target.what}")
        Console().print(_table(load, figures))
    if not measured.latencies_s:
        raise click.ClickException(f"no call was answered OK: {_counts(measured.errors) or 'no reply at all'}")


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or host.startswith("unix"):
        raise InvalidArgumentError(f"address: {address!r}; give HOST:PORT of the gRPC port, such as {DEFAULT_ADDRESS}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _figures(target: Target, load: Load, measured: Measured) -> dict[str, Any]:
    num_calls = len(measured.latencies_s) + sum(measured.errors.values())
    return {
        "model": target.description.name,
        "version": target.description.version.version,
        "request": target.what,
        "request_bytes": len(target.request),
        "callers": load.callers,
        "connections": load.connections,
        "seconds": measured.seconds,
        "requests_per_s": measured.requests_per_s,
        "p50_ms": measured.p50_ms,
        "p99_ms": measured.p99_ms,
        "errors": measured.errors,
        "unanswered": measured.unanswered,
        "server_ms": _server_ms(measured),
        "generator_cpu_s_per_1000": 1000 * measured.generator_cpu_s / num_calls if num_calls else None,
    }


def _server_ms(measured: Measured) -> dict[str, float]:
    """Average where the server says that its time went, over the sampled replies."""
    timings = [read_server_timing(sample.trailers.get(SERVER_TIMING, "")) for sample in measured.samples]
    names = dict.fromkeys(name for timing in timings for name in timing)
    return {name: fmean(timing[name] for timing in timings if name in timing) for name in names}


def _counts(errors: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in errors.items())


def _table(load: Load, figures: Mapping[str, Any]) -> Table:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("callers", f"{load.callers:,} on {load.connections} connection{'s' * (load.connections > 1)}")
    table.add_row("requests/s", f"{figures['requests_per_s']:,.1f}")
    table.add_row("p50", f"{figures['p50_ms']:.2f} ms")
    table.add_row("p99", f"{figures['p99_ms']:.2f} ms")
    table.add_row("errors", _counts(figures["errors"]) or "none")
    if figures["unanswered"]:
        table.add_row("never answered", f"{figures['unanswered']:,}")
    if server := figures["server_ms"]:
        table.add_section()
        for part, ms in server.items():
            if part != "total":
                table.add_row(_PARTS.get(part, part), f"{ms:.3f} ms")
        table.add_row("in the server, all told", f"{server.get('total', 0):.3f} ms")
    return table
