"""What gRPC is told to connect to: one server, or several among which a client's calls go round."""

import json
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from podium_client.errors import InvalidArgumentError

# Names that stand for all their addresses: each is connected to, and looked up again when one is lost.
DNS = "dns:"
_ROUND_ROBIN = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


@dataclass(frozen=True, slots=True)
class Target:
    """One or several servers.

    Attributes:
        name: as gRPC takes it.
        options: of the channel.
        has_others: whether a call can go to another server when the connection to one is lost.
    """

    name: str
    options: tuple[tuple[str, str], ...] = ()
    has_others: bool = False


def target_of(address: str) -> Target:
    """Say what an address means.

    Args:
        address: HOST:PORT; several of them, "10.0.0.1:8001,10.0.0.2:8001"; "dns:///NAME:PORT" for all addresses of a
            name; or any other target that gRPC takes.

    Raises:
        InvalidArgumentError: one of several cannot be found.
    """
    if address.startswith(DNS):
        return Target(address, (("grpc.service_config", _ROUND_ROBIN),), has_others=True)
    if "," not in address or address.startswith(("ipv4:", "ipv6:", "unix:")):
        return Target(address)
    parts = [part.strip() for part in address.split(",")]
    found = [_find(part) for part in parts]
    family, written = ("ipv4", "{}:{}") if isinstance(found[0][0], IPv4Address) else ("ipv6", "[{}]:{}")
    if len({type(host) for host, _ in found}) > 1:
        raise InvalidArgumentError("address: give IPv4 addresses alone, or IPv6 addresses alone", field="address")
    name = f"{family}:" + ",".join(written.format(host, port) for host, port in found)
    # With TLS, every one of them shows a certificate for the first one's name.
    options = (("grpc.service_config", _ROUND_ROBIN), ("grpc.default_authority", parts[0]))
    return Target(name, options, has_others=True)


def _find(part: str) -> tuple[IPv4Address | IPv6Address, int]:
    host, _, port = part.rpartition(":")
    if not host or not port.isdigit():
        raise InvalidArgumentError(f"address: {part!r} in the list is no HOST:PORT", field="address")
    host = host.removeprefix("[").removesuffix("]")
    try:
        return ip_address(host), int(port)
    except ValueError:
        pass
    try:
        return ip_address(socket.getaddrinfo(host, port, socket.AF_INET)[0][4][0]), int(port)
    except OSError as error:
        raise InvalidArgumentError(f"address: there is no {host!r}: {error.strerror}", field="address") from error
