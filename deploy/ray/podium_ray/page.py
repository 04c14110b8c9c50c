"""One page of metrics of all replicas, each an instance of its own, as the alerts want it.

Prometheus keeps the label with `honor_labels: true`.
"""

from collections.abc import Iterable
from typing import Any

from podium_server.workers.page import Page, from_json
from prometheus_client import Metric


def page_of(pages: Iterable[tuple[str, Any]]) -> Page:
    """Put replicas' pages together.

    Args:
        pages: each replica's name, and its families of metrics as JSON.
    """
    families: dict[str, Metric] = {}
    for replica, content in sorted(pages):
        for family in from_json(content):
            known = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type, family.unit)
            )
            known.samples += [
                sample._replace(labels=sample.labels | {"instance": replica}) for sample in family.samples
            ]
    return Page(families.values())
