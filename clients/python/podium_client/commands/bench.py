"""`podium bench`: how many requests a second a served model answers, and how long each takes."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from podium_client.channel import DEFAULT_ADDRESS
from podium_client.commands.bench_calls import call_figures, calls_table, counts
from podium_client.commands.bench_texts import text_figures, text_table
from podium_client.commands.options import Server, json_option, server_options, shows_errors
from podium_client.errors import InvalidArgumentError
from podium_client.load.closed_loop import Load, drive
from podium_client.load.event_loop import run
from podium_client.load.target import Payload, Target, prepare
from podium_client.load.text_streams import TextLoad, drive_texts


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
@click.option("--prompt", metavar="TEXT", help="Have this continued, and stream the texts: tokens a second.")
@click.option(
    "--max-tokens",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="With --prompt: the most tokens of a text.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the random input, or the first text."
)
@server_options
@json_option
@shows_errors
def bench(
    *,
    model: str,
    callers: int,
    connections: int | None,
    seconds: float,
    warmup_s: float,
    image: Path | None,
    typed: bool,
    axes: dict[str, int],
    prompt: str | None,
    max_tokens: int,
    seed: int,
    server: Server,
    as_json: bool,
) -> None:
    """Measure how quickly a served MODEL answers.

    A number of callers each send the same request again as soon as it is answered. The request is the network's
    own input, random, through the Open Inference Protocol; with --image or --typed, a picture through Classify.
    With --prompt, callers read texts, each with a seed of its own, as they are written, over one connection.
    Load generator and server compete for cores when they share a machine.
    """
    if prompt is not None:
        texts = TextLoad(
            server.address,
            model,
            prompt,
            max_tokens,
            seed,
            callers,
            warmup_s,
            seconds,
            credentials=server.credentials,
            token=server.token,
        )
        _bench_texts(texts, as_json)
        return
    host, port = _host_and_port(server.address)
    payload = Payload(image, typed, axes, seed)
    target = run(prepare(server.address, model, payload, credentials=server.credentials, token=server.token))
    load = Load(
        host,
        port,
        target.path,
        target.request,
        callers,
        min(callers, connections or -(-callers // 16)),
        warmup_s,
        seconds,
        tls=server.tls,
        token=server.token,
    )
    _bench_calls(target, load, as_json)


def _bench_calls(target: Target, load: Load, as_json: bool) -> None:
    with _progress(f"{load.callers} callers", load.warmup_s + load.seconds, as_json) as tick:
        measured = run(drive(load, on_tick=tick))
    figures = call_figures(target, load, measured)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        click.echo(f"{figures['model']}/{figures['version']}: {target.what}")
        Console().print(calls_table(load, figures))
    if not measured.latencies_s:
        raise click.ClickException(f"no call was answered OK: {counts(measured.errors) or 'no reply at all'}")


def _bench_texts(load: TextLoad, as_json: bool) -> None:
    with _progress(f"{load.streams} texts", load.warmup_s + load.seconds, as_json) as tick:
        measured = run(drive_texts(load, on_tick=tick))
    figures = text_figures(load, measured)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        click.echo(f"{figures['model']}/{figures['version']}: {figures['request']}")
        Console().print(text_table(figures))
    if not measured.num_tokens:
        raise click.ClickException(f"no token came: {counts(measured.errors) or 'no reply at all'}")


@contextmanager
def _progress(what: str, total_s: float, quiet: bool) -> Generator[Callable[[float], None]]:
    """Show how far the measuring is, on standard error."""
    console = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
        refresh_per_second=2,
        transient=True,
    )
    with progress:
        task = progress.add_task(what, total=total_s)
        yield lambda elapsed_s: progress.update(task, completed=elapsed_s)


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or host.startswith("unix"):
        raise InvalidArgumentError(f"address: {address!r}; give HOST:PORT of the gRPC port, such as {DEFAULT_ADDRESS}")
    return host.removeprefix("[").removesuffix("]"), int(port)
