"""What the callers' commands share: their options, and how their errors are shown."""

import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import grpc

from podium_client.async_client import AsyncClient
from podium_client.channel import DEFAULT_ADDRESS
from podium_client.client import Client
from podium_client.errors import PodiumError

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """Which server is called, and what it is shown.

    Attributes:
        address: HOST:PORT of its gRPC port.
        credentials: for TLS; None: without.
        token: what says who calls; None: nothing does.
        tls: what `credentials` are, for HTTP/2 connections that are not gRPC's; None: without.
    """

    address: str
    credentials: grpc.ChannelCredentials | None
    token: str | None
    tls: ssl.SSLContext | None = None

    def client(self, timeout: float) -> Client:
        """Make a client whose calls may take so many seconds."""
        return Client(self.address, timeout=timeout, credentials=self.credentials, token=self.token)

    def async_client(self, timeout: float) -> AsyncClient:
        """Make one for the running event loop."""
        return AsyncClient(self.address, timeout=timeout, credentials=self.credentials, token=self.token)


_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_SERVER_OPTIONS = (
    click.option(
        "--address",
        metavar="HOST:PORT",
        envvar="PODIUM_ADDRESS",
        default=DEFAULT_ADDRESS,
        show_default=True,
        show_envvar=True,
        help="The server's gRPC port.",
    ),
    click.option(
        "--token",
        metavar="TOKEN",
        envvar="PODIUM_TOKEN",
        show_envvar=True,
        help="Says who calls; the variable keeps it from lists of processes.",
    ),
    click.option("--tls", is_flag=True, help="Speak TLS; the options below imply it."),
    click.option("--ca", type=_file, help="PEM file of the authority that the server's certificate is from."),
    click.option("--client-certificate", type=_file, help="PEM file to show to a server that asks; with --client-key."),
    click.option("--client-key", type=_file, help="PEM file of its key."),
)


def server_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that say which server is called; the command gets them as one argument, `server`."""

    @functools.wraps(command)
    def gathered(
        *,
        address: str,
        token: str | None,
        tls: bool,
        ca: Path | None,
        client_certificate: Path | None,
        client_key: Path | None,
        **others: Any,
    ) -> T:
        credentials = context = None
        if tls or ca is not None or client_certificate is not None or client_key is not None:
            credentials, context = _credentials(ca, client_certificate, client_key)
        return command(server=Server(address, credentials, token.strip() if token else None, context), **others)

    for option in reversed(_SERVER_OPTIONS):
        gathered = option(gathered)
    return gathered


def _credentials(
    ca: Path | None, certificate: Path | None, key: Path | None
) -> tuple[grpc.ChannelCredentials, ssl.SSLContext]:
    """Read the files of TLS; gRPC would tell of a wrong one as of a server that is not there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if (certificate is None) != (key is None):
        raise click.UsageError("--client-certificate and --client-key: give both, or neither.")
    try:
        if ca is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca)
        if certificate is not None:
            context.load_cert_chain(certificate, key, password="")  # an encrypted key is refused, not asked for
        files = (file.read_bytes() if file else None for file in (ca, key, certificate))
        return grpc.ssl_channel_credentials(*files), context
    except OSError as error:  # of a file, or of what is in it
        given = f"--ca {ca}" if certificate is None else f"--client-certificate {certificate} with --client-key {key}"
        raise click.UsageError(f"{given}: cannot be used: {error.strerror or error}; must be PEM files.") from error


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="For each call, retries included.",
)


def shows_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Show errors of calls as a message and exit status 1, not as a traceback."""

    @functools.wraps(command)
    def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except PodiumError as error:
            raise click.ClickException(str(error)) from error

    return shown
