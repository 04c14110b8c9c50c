"""How often something may happen: a rate, and as much at once as a second of it. Pure: the time is an argument."""


class TokenBucket:
    """Holds back what comes faster than a rate.

    The generic cell rate algorithm (ITU-T I.371, annex A): one number, the time at which the bucket is full again.

    Args:
        rate: how many a second, above 0.
        burst: how many at once after a rest, 1 or more.
    """

    __slots__ = ("_every_s", "_full_at", "_tolerance_s")

    def __init__(self, rate: float, burst: float) -> None:
        self._every_s = 1 / rate
        self._tolerance_s = (burst - 1) / rate
        self._full_at = 0.0

    def take(self, now: float) -> float:
        """Take one; 0 when it was there, else the seconds until it will be, and nothing is taken."""
        full_at = max(self._full_at, now)
        wait_s = full_at - now - self._tolerance_s
        if wait_s > 1e-9:  # the sum of many steps of 1 / rate is not exact
            return wait_s
        self._full_at = full_at + self._every_s
        return 0.0

    def is_full(self, now: float) -> bool:
        """Whether it is as if nothing had ever been taken."""
        return self._full_at <= now
