"""Which calls a histogram names: exemplars let an operator go from a slow bucket to one call's log and trace."""

# To name an observation costs ten times as much as to count it, so few are.
INTERVAL_S = 1.0


class Exemplars:
    """Chooses for one histogram: the first call of a second, and each that is slower than those before it.

    So the slowest call of every second is named, and the buckets where most calls are have a name of late.
    """

    __slots__ = ("_slowest_s", "_until")

    def __init__(self) -> None:
        self._until = 0.0
        self._slowest_s = 0.0

    def choose(self, now: float, seconds: float) -> bool:
        """Whether to name a call that took so many seconds.

        Args:
            now: monotonic second.
            seconds: that the call took.
        """
        if now >= self._until:
            self._until, self._slowest_s = now + INTERVAL_S, seconds
            return True
        if seconds > self._slowest_s:
            self._slowest_s = seconds
            return True
        return False


def exemplar_labels(request_id: str, trace_id: str) -> dict[str, str]:
    """What names a call: its trace where one is kept, else its request id. OpenMetrics has room for one of them."""
    return {"trace_id": trace_id} if trace_id else {"request_id": request_id}
