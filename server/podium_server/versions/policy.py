"""Which of a model's versions are served: all, the newest few, or those that are listed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LATEST = re.compile(r"latest(?::([1-9]\d{0,5}))?")
_LISTED = re.compile(r"listed:\s*([1-9]\d{0,18}(?:\s*,\s*[1-9]\d{0,18})*)")
FORMS = 'all, latest, latest:N with N 1 or more, or listed:N,N,…, such as "latest:2" or "listed:1,3"'


@dataclass(frozen=True, slots=True)
class Policy:
    """Which versions are served.

    Attributes:
        newest: how many of the newest that can be served; None for all.
        listed: the numbers that may be served; None for any.
    """

    newest: int | None = None
    listed: frozenset[int] | None = None

    def among(self, found: Iterable[int]) -> list[int]:
        """The versions that may be served, of those that there are; the newest first."""
        return sorted((n for n in found if self.listed is None or n in self.listed), reverse=True)

    def __str__(self) -> str:
        if self.listed is not None:
            return f"listed:{','.join(map(str, sorted(self.listed)))}"
        return "all" if self.newest is None else f"latest:{self.newest}"


def parse_policy(text: object) -> Policy:
    """Read "all", "latest", "latest:2" or "listed:1,3".

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(text, Policy):
        return text
    if isinstance(text, str):
        if text == "all":
            return Policy()
        if match := _LATEST.fullmatch(text):
            return Policy(newest=int(match[1] or 1))
        if match := _LISTED.fullmatch(text):
            return Policy(listed=frozenset(int(number) for number in match[1].split(",")))
    raise ValueError(f"must be {FORMS}")
