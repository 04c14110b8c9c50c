"""What a server counted beside what its callers saw, call by call."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from tests.server.soak.crowd import Ended

Counts: TypeAlias = Mapping[tuple[str, str, str, str], int]  # by method, model, version and code
IN_FLIGHT = (
    "podium_calls_in_progress", "podium_images_waiting", "podium_queue_rows", "podium_request_bytes",
    "podium_sequences_running", "podium_sequences_waiting",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """What the server's log has of one call."""

    request_id: str
    method: str
    model: str
    version: str
    code: str


def lines_of(log: Iterable[str]) -> Iterator[Line]:
    """The access log's lines of a log in JSON."""
    for text in log:
        if '"podium_server.access"' in text:
            event: dict[str, Any] = json.loads(text)
            version = str(event["version"] or "")
            yield Line(event.get("request_id", ""), event["method"], event["model"], version, event["code"])


def samples(page: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Every sample of a metrics page: its name, labels and value."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def in_flight(page: str) -> Mapping[str, float]:
    """What the page shows to be under way, where it is not nothing."""
    return {f"{name}{dict(labels)}": value for name, labels, value in samples(page) if name in IN_FLIGHT and value}


def counted(page: str) -> Counts:
    """The page's counts of calls, whatever limit refused them."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for name, labels, value in samples(page):
        if name == "podium_requests_total" and value:
            found[labels["method"], labels["model"], labels["version"], labels["code"]] += int(value)
    return dict(found)


def timed(page: str) -> Counter[str]:
    """How many calls of each method were timed."""
    found: Counter[str] = Counter()
    for name, labels, value in samples(page):
        if name == "podium_request_seconds_count":
            found[labels["method"]] += int(value)
    return found


def differences(page: str, lines: Iterable[Line], ended: Mapping[str, Ended]) -> Iterator[str]:
    """Yield where the books do not agree: the page with the log, and the log with the callers.

    A call whose end the server told is in the log once, under that code. One that ended before that is there once, or
    not at all where it never reached a service; its code may be another, since the server's word was on its way.
    """
    logged: Counter[tuple[str, str, str, str]] = Counter()
    of: dict[str, Line] = {}
    for line in lines:
        logged[line.method, line.model, line.version, line.code] += 1
        if line.request_id in of:
            yield f"{line} and {of[line.request_id]} are of one call"
        of[line.request_id] = line
    if counted(page) != dict(logged):
        yield f"the page counts other than the log: {dict(counted(page).items() ^ logged.items())}"
    methods: Counter[str] = Counter()
    for (method, *_), count in logged.items():
        methods[method] += count
    if timed(page) != methods:
        yield f"not every call was timed: {timed(page) - methods}, {methods - timed(page)}"
    for request_id in of.keys() - ended.keys():
        yield f"nobody made {of[request_id]}"
    for request_id, end in ended.items():
        found = of.get(request_id)
        if end.reason == "?":
            yield f"{request_id}: {end} ended without the server's word; the log: {found}"
        elif end.told and (found is None or (found.method, found.code) != (end.method, end.told)):
            yield f"{request_id}: {end}; the log: {found}"
