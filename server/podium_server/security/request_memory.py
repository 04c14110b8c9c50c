"""How many bytes of requests are in the server at a time: bounded, so that many large ones cannot fill the memory."""

from podium_server.errors import RequestMemoryFull
from podium_server.security.client_limits import RETRY_AFTER_S


class RequestMemory:
    """Counts the bytes of requests from when they are read until they are answered.

    Args:
        max_bytes: the most at a time.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0

    def take(self, num_bytes: int) -> None:
        """Count a request in.

        Raises:
            RequestMemoryFull: together with those that are there it is too much.
        """
        if self.used_bytes + num_bytes > self.max_bytes:
            raise RequestMemoryFull(
                f"requests of {self.used_bytes} bytes are in the server, of at most {self.max_bytes}, and this one "
                f"has {num_bytes}; send it again later",
                RETRY_AFTER_S,
            )
        self.used_bytes += num_bytes

    def give_back(self, num_bytes: int) -> None:
        """Count a request out."""
        self.used_bytes -= num_bytes
