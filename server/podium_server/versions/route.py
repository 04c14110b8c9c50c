"""Where the calls of a name go: to one version, a share of them to a candidate, copies to another."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

# What a bare name means is an alias too, which nobody needs to set.
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the calls.

    Attributes:
        version: who gets them.
        percent: how many of a hundred, above 0 and at most 100.
    """

    version: int
    percent: float

    def takes(self, key: str) -> bool:
        """Tell whether a call belongs to the part: the same key always does or never does.

        Keys that belong to it still do when the percentage rises. They are spread by the first 64 bits of SHA-256.
        """
        drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64
        return drawn * 100 < self.percent


@dataclass(frozen=True, slots=True)
class Route:
    """Where the calls of an alias go.

    Attributes:
        version: who answers.
        canary: a candidate that answers a part of them instead.
        shadow: a candidate that gets a copy of a part of them, and whose answers are compared.
    """

    version: int
    canary: Share | None = None
    shadow: Share | None = None

    def __str__(self) -> str:
        """Say it in words: "version 3, 10 % to 4, 100 % copied to 5"."""
        canary = f", {self.canary.percent:g} % to {self.canary.version}" if self.canary else ""
        shadow = f", {self.shadow.percent:g} % copied to {self.shadow.version}" if self.shadow else ""
        return f"version {self.version}{canary}{shadow}"

    @property
    def targets(self) -> Iterator[int]:
        """Every version that must be there for the route to hold."""
        yield self.version
        for share in (self.canary, self.shadow):
            if share is not None:
                yield share.version
