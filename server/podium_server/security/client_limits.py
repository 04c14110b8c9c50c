"""How much one client may ask for: calls at a time, calls a second. Pure: the time is an argument."""

from dataclasses import dataclass

from podium_server.errors import ClientLimited
from podium_server.security.token_bucket import TokenBucket

# When a place will be free, nobody knows; soon enough for short calls, and seldom enough for long ones.
RETRY_AFTER_S = 0.1
# Those who have gone are forgotten when so many are known.
MOST_CLIENTS = 10_000


@dataclass(slots=True)
class _Usage:
    """What a client has: calls inside, and its bucket where there is a rate."""

    bucket: TokenBucket | None
    calls: int = 0

    def is_idle(self, now: float) -> bool:
        return not self.calls and (self.bucket is None or self.bucket.is_full(now))


class ClientLimits:
    """Counts what each client has and does.

    Args:
        max_calls: calls of a client at a time; None for any number.
        max_rate: calls a second of a client, and as many at once after a rest; None for any number.
    """

    def __init__(self, max_calls: int | None, max_rate: float | None) -> None:
        self._max_calls = max_calls
        self._max_rate = max_rate
        self._clients: dict[str, _Usage] = {}
        self._sweep_at = MOST_CLIENTS

    @property
    def num_known(self) -> int:
        """Clients of which something is kept."""
        return len(self._clients)

    def enter(self, client: str, now: float) -> None:
        """Let a call in.

        Args:
            client: its caller's name, or address.
            now: the monotonic second.

        Raises:
            ClientLimited: the client has as many calls as it may, or calls too often.
        """
        usage = self._clients.get(client) or self._add(client, now)
        if self._max_calls is not None and usage.calls >= self._max_calls:
            raise ClientLimited(
                f"{client} has {usage.calls} calls under way, and a client may have {self._max_calls}; send it again "
                "when one of them has ended",
                RETRY_AFTER_S,
            )
        self._take(client, usage, now)
        usage.calls += 1

    def again(self, client: str, now: float) -> None:
        """Count one more request of a stream that is inside.

        Raises:
            ClientLimited: the client calls too often.
        """
        self._take(client, self._clients[client], now)

    def leave(self, client: str, now: float) -> None:
        """A call has ended that was let in."""
        usage = self._clients[client]
        usage.calls -= 1
        if usage.is_idle(now):
            del self._clients[client]

    def _take(self, client: str, usage: _Usage, now: float) -> None:
        wait_s = usage.bucket.take(now) if usage.bucket is not None else 0.0
        if wait_s:
            raise ClientLimited(
                f"{client} calls more often than {self._max_rate:g} times a second, which is what a client may; send "
                f"it again in {wait_s:.3f} s",
                wait_s,
            )

    def _add(self, client: str, now: float) -> _Usage:
        if len(self._clients) >= self._sweep_at:
            self._clients = {name: usage for name, usage in self._clients.items() if not usage.is_idle(now)}
            self._sweep_at = max(MOST_CLIENTS, 2 * len(self._clients))
        rate = self._max_rate
        usage = self._clients[client] = _Usage(TokenBucket(rate, max(rate, 1.0)) if rate is not None else None)
        return usage
