"""Ends the connections of a port from under gRPC, so that a call that nobody has looked at ends as UNAVAILABLE.

gRPC's own end (1.80) cancels what it has queued and not handed over yet, and what comes before a caller has heard of
the end; each of these callers would be told CANCELLED, as if he had left himself. A connection that is closed tells
him what is true, and his client tries elsewhere.
"""

import asyncio
import contextlib
import ctypes
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

DESCRIPTORS = Path("/dev/fd")


# Linux's: a filter of one instruction, "return 0": keep nothing of a packet.
SO_ATTACH_FILTER = 26
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
# What has been accepted by then has been handed to gRPC.
SETTLE_S = 0.02


async def hang_up(port: int) -> None:
    """Take no new connection on a port, and close every one that was accepted; what was written is still delivered.

    A caller who comes between would be one of those whom gRPC cancels. Does nothing where a process cannot list its
    open files, as on Windows.

    Args:
        port: a TCP port that this process listens on.
    """
    for listener in _sockets(port, listening=True):
        with listener, contextlib.suppress(OSError):  # not on Linux
            # To close it would be plainer, but gRPC writes to standard error then that it could not accept.
            program = ctypes.create_string_buffer(DROP_ALL)
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))
    await asyncio.sleep(SETTLE_S)
    for connection in list(_sockets(port, listening=False)):
        with connection, contextlib.suppress(OSError):  # closed already
            connection.shutdown(socket.SHUT_RDWR)


def _sockets(port: int, *, listening: bool) -> Iterator[socket.socket]:
    """Yield the TCP sockets of this process that have a port, each under a descriptor of its own."""
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
        with contextlib.suppress(OSError):  # of another kind, or closed meanwhile
            internet = found.family in (socket.AF_INET, socket.AF_INET6)
            listens = bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
            if internet and listens == listening and found.getsockname()[1] == port:
                yield found
                continue
        found.close()
