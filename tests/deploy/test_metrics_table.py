"""deploy/metrics.md has every series of the page, and no other."""

import re
from typing import Any

from podium_server.metrics import Metrics
from podium_server.workers.page import team_page

from tests.deploy.described_series import Series, described_series

_SUFFIX = {"counter": "_total", "info": "_info"}


def shown_series() -> list[Series]:
    """The series of a server's registry, those included that only some servers show."""
    metrics = Metrics()
    metrics.show_server(lambda: True, lambda: 0, lambda: 0)
    metrics.show_expiry(lambda: 0.0)
    metrics.show_request_bytes(lambda: 0)
    found: list[Series] = []
    registry: Any = metrics.registry  # which does not tell its collectors, nor they their labels
    for collector in registry._collector_to_names:
        labels: Any = getattr(collector, "_labelnames", None) or getattr(collector, "_labels", ())
        for family in collector.collect():
            if family.name.startswith("podium_"):
                if family.type == "info":
                    labels = family.samples[0].labels
                found.append(Series(family.name + _SUFFIX.get(family.type, ""), family.type, frozenset(labels)))
    team = team_page(1, 1, 0)
    found.extend(Series(family.name + _SUFFIX.get(family.type, ""), family.type, frozenset()) for family in team)
    return found


def test_table_has_every_series_with_its_type_and_labels_and_no_other() -> None:
    """An operator can look up whatever is on the page; add a row where you add a series."""
    described = described_series()
    assert len({series.name for series in described}) == len(described)
    assert set(described) == set(shown_series())


def test_names_say_their_units() -> None:
    """Seconds and bytes are written out, as Prometheus asks; counters end in _total."""
    names = [series.name for series in shown_series()]
    assert not [name for name in names if re.search(r"_(ms|millis\w*|minutes|mib|kb|us|ns)(_|$)", name)]
    assert all(name.endswith("_total") == (kind == "counter") for name, kind in kinds().items())


def kinds() -> dict[str, str]:
    """Types by name."""
    return {series.name: series.type for series in shown_series()}
