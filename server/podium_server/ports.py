"""Both ports: their addresses, the HTTP port's socket, what gRPC is told of its own."""

import errno
import os
import socket
from dataclasses import dataclass

from podium_server.settings import Settings
from podium_server.start_error import StartError


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that were bound, each 1 … 65,535."""

    grpc: int
    http: int


def address_of(host: str, port: int) -> str:
    """Write an address as gRPC and URLs do: IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind_http(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind the HTTP port.

    Args:
        host: an address of this machine, or a name of one.
        port: 0 takes a free one.
        shared: whether other workers bind it too.

    Raises:
        StartError: it is taken, may not be bound, or the host is no address of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, reuse_port=shared)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"host: {host} is no address of this machine; give one, such as 127.0.0.1, or 0.0.0.0 for all of IPv4"
            ) from error
        # Python adds the address once more to what the system says.
        reason, address = os.strerror(error.errno or 0), address_of(host, port)
        raise StartError(f"http-port: {address} cannot be bound: {reason}; 0 takes any free port") from error


def channel_options(settings: Settings, *, shared: bool) -> list[tuple[str, int]]:
    """Name the settings as gRPC does."""
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # Clients behind balancers ping to keep their connection; gRPC's default closes it on them.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", int(settings.keepalive_min_interval_s * 1000)),
        ("grpc.http2.max_ping_strikes", 0),
        # Two servers must not share a port by accident; workers do it on purpose.
        ("grpc.so_reuseport", int(shared)),
    ]
