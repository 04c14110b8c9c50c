"""A call without a caller: services work on it as on any, and what they tell of it is heard by nobody."""

from typing import cast

from podium_server.call import Call
from podium_server.gate import Context, Gate


class _NoWire:
    """What gRPC knows of a call that did not come over a wire."""

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Nothing came with it."""
        return ()

    def time_remaining(self) -> None:
        """Nobody waits."""

    def set_trailing_metadata(self, metadata: object) -> None:
        """Nobody reads it."""

    def peer(self) -> str:
        """Nobody called."""
        return ""


def unheard_call() -> Call:
    """Make one; its version is kept until `let_go`."""
    return Call(cast(Context, _NoWire()), Gate())
