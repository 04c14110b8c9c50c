"""What `podium bench` tells of calls: requests a second, how long each took, and where the server's time went."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from rich.table import Table

from podium_client.load.closed_loop import Load
from podium_client.load.measured import Measured
from podium_client.load.server_timing import SERVER_TIMING, read_server_timing
from podium_client.load.target import Target

_PARTS = {"preprocess": "decoding, preprocessing", "queue": "waiting for a session", "run": "running the batch"}


def call_figures(target: Target, load: Load, measured: Measured) -> dict[str, Any]:
    """Tell what was measured, for programs."""
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


def counts(errors: Mapping[str, int]) -> str:
    """Say how many calls failed how."""
    return ", ".join(f"{count:,} {code}" for code, count in errors.items())


def calls_table(load: Load, figures: Mapping[str, Any]) -> Table:
    """Draw the same for people."""
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("callers", f"{load.callers:,} on {load.connections} connection{'s' * (load.connections > 1)}")
    table.add_row("requests/s", f"{figures['requests_per_s']:,.1f}")
    table.add_row("p50", f"{figures['p50_ms']:.2f} ms")
    table.add_row("p99", f"{figures['p99_ms']:.2f} ms")
    table.add_row("errors", counts(figures["errors"]) or "none")
    if figures["unanswered"]:
        table.add_row("never answered", f"{figures['unanswered']:,}")
    if server := figures["server_ms"]:
        table.add_section()
        for part, ms in server.items():
            if part != "total":
                table.add_row(_PARTS.get(part, part), f"{ms:.3f} ms")
        table.add_row("in the server, all told", f"{server.get('total', 0):.3f} ms")
    return table
