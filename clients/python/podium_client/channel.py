"""The connection to a server: its address, its options."""

from importlib.metadata import version

from grpc import ChannelCredentials
from grpc.aio import Channel, insecure_channel, secure_channel

from podium_client.errors import InvalidArgumentError
from podium_client.target import Target

DEFAULT_ADDRESS = "localhost:8001"
MAX_PORT = 65_535


def open_channel(target: Target, credentials: ChannelCredentials | None) -> Channel:
    """Make a channel, in the running event loop; it connects with the first call.

    Args:
        target: one or several servers.
        credentials: for TLS; None: without.
    """
    options = [*_options(), *target.options]
    if credentials is None:
        return insecure_channel(target.name, options=options)
    return secure_channel(target.name, credentials, options=options)


def check_address(address: str) -> None:
    """Refuse what is no HOST:PORT before gRPC spends seconds on resolving it.

    Raises:
        InvalidArgumentError: says what would be right.
    """
    if address.startswith(("http:", "https:", "grpc:", "grpcs:")):
        wrong = "is a URL"
    elif ":" not in address:
        wrong = "has no port"
    elif address[0] == ":" or address[-1] == ":":
        wrong = "has an empty host or port"
    elif (port := address.rpartition(":")[2]).isdigit() and not 1 <= int(port) <= MAX_PORT:
        wrong = f"has a port that is not 1 … {MAX_PORT}"
    else:
        return
    raise InvalidArgumentError(
        f"address: {address!r} {wrong}; give HOST:PORT of the gRPC port, such as {DEFAULT_ADDRESS}",
        field="address",
    )


def check_token(token: str | None) -> str | None:
    """Refuse what no header carries, such as a token with the end of its line.

    Raises:
        InvalidArgumentError: says what would be right, without the token.
    """
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise InvalidArgumentError(
            "token: must be one word of plain characters, as `podium token` prints it; is there a space or the end of "
            "a line in it?",
            field="token",
        )
    return token


def _options() -> list[tuple[str, int | str]]:
    return [
        # The server's limits decide; gRPC's own 4 MiB would refuse answers that the server was willing to send.
        ("grpc.max_send_message_length", -1),
        ("grpc.max_receive_message_length", -1),
        # While a call waits, a server that vanished without a word is noticed within 40 s.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # A server that came back is found again within 2 s, not gRPC's 120 s.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.primary_user_agent", f"podium-python/{version('podium')}"),
    ]
