"""Ends the connections of a port from under gRPC, so that a call that nobody has looked at ends as UNAVAILABLE.

gRPC's own end (1.80) cancels what it has queued and not handed over yet, and what comes before a caller has heard of
the end; each of these callers would be told CANCELLED, as if he had left himself. A connection that is closed tells
him what is true, and his client tries elsewhere.
"""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

DESCRIPTORS = Path("/dev/fd")


def hang_up(port: int) -> None:
    """Close every connection that was accepted on a port; what was written is still delivered.

    Does nothing where a process cannot list its open files, as on Windows.

    Args:
        port: a TCP port that this process listens on.
    """
    for connection in _sockets():
        with connection:
            try:
                if connection.getsockname()[1] == port and connection.getpeername():
                    connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it listens, or is closed already
                continue


def _sockets() -> Iterator[socket.socket]:
    """Yield every TCP socket of this process, under a descriptor of its own."""
    if not DESCRIPTORS.is_dir():
        return
    for path in list(DESCRIPTORS.iterdir()):
        number = int(path.name)
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            found = socket.socket(fileno=os.dup(number))
        except OSError:  # closed meanwhile
            continue
        if found.family in (socket.AF_INET, socket.AF_INET6):
            yield found
        else:
            found.close()
