"""The tables of deploy/metrics.md: what operators are told of each series."""

import re
from dataclasses import dataclass
from pathlib import Path

DEPLOY = Path(__file__).parents[2] / "deploy"
_ROW = re.compile(r"\| `(podium_\w+)` \| (counter|gauge|histogram|info) \|([^|]*)\|([^|]+)\|")


@dataclass(frozen=True, slots=True)
class Series:
    """One row: name as on the page, type, labels."""

    name: str
    type: str
    labels: frozenset[str]


def described_series() -> list[Series]:
    """The rows of all tables."""
    rows = _ROW.findall((DEPLOY / "metrics.md").read_text())
    return [Series(name, kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows]
