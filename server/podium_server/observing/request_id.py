"""The name of a call, under which callers, logs, traces and captured requests speak of the same one."""

import random
from collections.abc import Iterable
from contextvars import ContextVar

REQUEST_ID = "x-request-id"
# Longer ones are cut: exemplars have room for 128 characters, their label's name included.
MAX_CHARACTERS = 100

# Of the call that this task works for; tasks and `asyncio.to_thread` take it along. Empty outside of calls.
current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


def request_id_of(metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
    """Read the caller's own name for its call, or make one: 32 hexadecimal digits.

    Args:
        metadata: what came with the call. Its values are printable ASCII, as gRPC has it, so lines of a log stay lines.
    """
    for key, value in metadata or ():
        if key == REQUEST_ID and isinstance(value, str) and (named := value.strip()):
            return named[:MAX_CHARACTERS]
    return f"{random.getrandbits(128):032x}"  # a name and no secret
