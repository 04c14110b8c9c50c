"""When a call that failed is sent again, and after how long: decided here, done by the client.

Only calls of which the server itself says that nothing was run are sent again: it was not ready, or its queue
was full and it said when to come back. Where a client knows several servers, a lost connection counts too: the same
request has the same answer anywhere, so it does no harm if the lost one ran it.
gRPC's own retry policy knows status codes alone, does not read RetryInfo and gives up on requests above its
replay buffer, as photos are; so it decides only what it alone can know, transparent retries.
"""

from dataclasses import dataclass

from podium_client.errors import NoServerError, OverloadedError, PodiumError, UnavailableError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon.

    Attributes:
        max_attempts: calls sent in all, 1 or more; 1: never again.
        initial_backoff_s: the longest wait before the second call, above what the server asks for.
        max_backoff_s: the longest wait before any call, above what the server asks for.
        multiplier: how much longer each longest wait is than the one before, 1 or more.
        has_others: whether there are other servers, to which a call goes whose connection was lost; a client of
            several addresses sees to that itself.
    """

    max_attempts: int = 4
    initial_backoff_s: float = 0.1
    max_backoff_s: float = 2.0
    multiplier: float = 2.0
    has_others: bool = False

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts is {self.max_attempts}; it counts the first call too: 1 or more")
        if not (0 <= self.initial_backoff_s <= self.max_backoff_s and self.multiplier >= 1):
            raise ValueError(f"0 <= initial_backoff_s <= max_backoff_s and multiplier >= 1 must hold: {self}")

    def delay_s(self, error: PodiumError, *, attempt: int, remaining_s: float, draw: float) -> float | None:
        """Say how long to wait before the next call, or None when there should be none.

        Args:
            error: why the last call failed.
            attempt: how many calls have been sent, 1 or more.
            remaining_s: seconds until the deadline; a wait that passes it is useless.
            draw: uniform in 0 ... 1, so that callers who were refused together do not come back together.
        """
        if attempt >= self.max_attempts or not self.may_be_sent_again(error):
            return None
        longest_s = min(self.max_backoff_s, self.initial_backoff_s * self.multiplier ** (attempt - 1))
        asked_s = error.retry_after_s if isinstance(error, OverloadedError) else None
        delay_s = (asked_s or 0.0) + draw * longest_s
        return delay_s if delay_s < remaining_s else None

    def may_be_sent_again(self, error: PodiumError) -> bool:
        """Whether a call does no harm that is sent once more after an error."""
        return nothing_was_run(error) or (self.has_others and isinstance(error, NoServerError))


def nothing_was_run(error: PodiumError) -> bool:
    """Whether the server said that it ran nothing of this call and may be called again."""
    if isinstance(error, OverloadedError):
        return error.retry_after_s is not None
    return isinstance(error, UnavailableError) and not isinstance(error, NoServerError)


@dataclass(slots=True)
class RetryBudget:
    """Stops all retries of a client while most of its calls fail, so that they do not bury a server.

    The token count of gRPC's retry throttling: a failure takes one, a success gives back `token_ratio`, and
    nothing is retried at or below half.

    Attributes:
        max_tokens: the count at the start, and at most.
        token_ratio: tokens that a success gives back.
    """

    max_tokens: float = 100.0
    token_ratio: float = 0.1
    tokens: float = 100.0

    def succeeded(self) -> None:
        """Count a call that was answered."""
        self.tokens = min(self.max_tokens, self.tokens + self.token_ratio)

    def failed(self) -> bool:
        """Count a call that may be retried, and say whether it should be."""
        self.tokens = max(0.0, self.tokens - 1.0)
        return self.tokens > self.max_tokens / 2
