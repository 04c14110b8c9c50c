"""Measures in turns: what the machine does to one round, it does to every subject."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.point import Point
from tests.benchmarks.subjects import Subject


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """Subjects that are measured beside each other.

    Attributes:
        model: the model's name.
        callers: how many call at any moment.
        subjects: in the order of their turns.
    """

    model: str
    callers: int
    subjects: Sequence[Subject]


def take_turns(
    contests: Sequence[Contest], num_rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[Mapping[str, Sequence[Point]]]:
    """Measure every subject once a round, always in the same order; give each contest's points by subject."""
    points: list[dict[str, list[Point]]] = [{subject.name: [] for subject in c.subjects} for c in contests]
    for number in range(num_rounds):
        for contest, by_subject in zip(contests, points, strict=True):
            for subject in contest.subjects:
                point = subject.measure(contest.callers, seconds)
                by_subject[subject.name].append(point)
                where = f"{contest.model}, {contest.callers} callers, {subject.name}"
                tell(f"round {number + 1}/{num_rounds}: {where}: {point.per_s:,.0f}/s")
    return list(points)
