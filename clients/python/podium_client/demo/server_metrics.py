"""Chapter: the metrics worth looking at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich import box
from rich.table import Table

from podium_client.demo.lifecycle import http_get
from podium_client.demo.stage import Stage

# One line of Prometheus' text format: name{label="value",…} number
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Sample:
    """One number of a metrics page.

    Attributes:
        name: the series' name.
        labels: its labels, by name.
        value: the number.
    """

    name: str
    labels: frozenset[tuple[str, str]]
    value: float


def show_metrics(stage: Stage) -> None:
    """Print what was counted of each model, and of the process."""
    stage.chapter("/metrics")
    status, page = http_get(stage.addresses.http, "/metrics")
    stage.expect(status == 200, "/metrics", expected=200, got=status)
    samples = read_samples(page)
    stage.console.print(_models_table(samples))
    refused = [f"{name} {total(samples, f'podium_{name}_total'):.0f}" for name in ("refused", "expired", "cancelled")]
    stage.console.print(
        f"requests {', '.join(refused)}; resident memory "
        f"{total(samples, 'process_resident_memory_bytes') / 2**20:.0f} MiB, processor time "
        f"{total(samples, 'process_cpu_seconds_total'):.1f} s"
    )
    stage.expect(total(samples, "podium_run_rows_sum") > 0, "rows counted on /metrics", expected="above 0", got=0)


def read_samples(page: str) -> list[Sample]:
    """Read every number of a metrics page."""
    matches = (_SAMPLE.match(line) for line in page.splitlines())
    return [
        Sample(match["name"], frozenset(_LABEL.findall(match["labels"] or "")), float(match["value"]))
        for match in matches
        if match
    ]


def total(samples: Iterable[Sample], name: str, **labels: str) -> float:
    """Add up a series' numbers over all labels but those given."""
    return sum(s.value for s in samples if s.name == name and s.labels >= frozenset(labels.items()))


def _models_table(samples: list[Sample]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", style="bold", no_wrap=True)
    for name in ("calls", "rows", "runs", "rows/run", "preprocess", "queue", "run"):
        table.add_column(name, justify="right", no_wrap=True)
    for model in sorted({dict(s.labels)["model"] for s in samples if s.name == "podium_run_rows_count"}):
        rows = total(samples, "podium_run_rows_sum", model=model)
        runs = total(samples, "podium_run_rows_count", model=model)
        table.add_row(
            model,
            f"{total(samples, 'podium_requests_total', model=model):.0f}",
            f"{rows:.0f}",
            f"{runs:.0f}",
            f"{rows / runs:.1f}" if runs else "–",
            *(_mean_ms(samples, f"podium_{part}_seconds", model) for part in ("preprocess", "queue", "run")),
        )
    return table


def _mean_ms(samples: list[Sample], series: str, model: str) -> str:
    count = total(samples, f"{series}_count", model=model)
    return f"{total(samples, f'{series}_sum', model=model) / count * 1e3:.2f} ms" if count else "–"
