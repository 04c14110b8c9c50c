"""Holds the ports that workers share, so that they stay the same when all workers are gone, and no stranger's."""

import contextlib
import errno
import os
import socket
from collections.abc import Generator
from dataclasses import dataclass


class PortTaken(Exception):
    """A port cannot be had; the message names the setting, what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Two ports.

    Attributes:
        host: the address.
        grpc_port: 1 or more.
        http_port: 1 or more.
    """

    host: str
    grpc_port: int
    http_port: int

    @property
    def grpc(self) -> str:
        """The first one's address and number."""
        return _address(self.host, self.grpc_port)

    @property
    def http(self) -> str:
        """The second one's."""
        return _address(self.host, self.http_port)


@contextlib.contextmanager
def reserve(host: str, grpc_port: int, http_port: int) -> Generator[Reservation, None, None]:
    """Hold two ports: bound and shared, but nobody listens here, so that no connection comes this way.

    Args:
        host: the address.
        grpc_port: 0 takes any free one.
        http_port: likewise.

    Raises:
        PortTaken: somebody else has one of them.
    """
    with contextlib.ExitStack() as held:
        numbers = [
            held.enter_context(_hold(host, *each)) for each in (("http-port", http_port), ("grpc-port", grpc_port))
        ]
        http, grpc = (each.getsockname()[1] for each in numbers)
        yield Reservation(host, grpc, http)


def _hold(host: str, setting: str, port: int) -> socket.socket:
    if not hasattr(socket, "SO_REUSEPORT"):
        raise PortTaken("workers: this system cannot share a port among processes; 1 is right")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Not shared at first: two servers must not share a port by accident.
        with socket.create_server((host, port), family=family) as alone:
            port = alone.getsockname()[1]
        held = socket.socket(family, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            message = f"host: {host} is no address of this machine; give one, such as 127.0.0.1, or 0.0.0.0"
            raise PortTaken(message) from error
        reason, address = os.strerror(error.errno or 0), _address(host, port)
        raise PortTaken(f"{setting}: {address} cannot be bound: {reason}; 0 takes any free port") from error
    return held


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
