"""The certificate that is shown now: looked for at each handshake, so that a renewed one needs no restart."""

import logging
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import grpc

from podium_server.security.identity import CertificateError, CertificatePaths, Identity, read_identity

log = logging.getLogger(__name__)

# What changes when a file is written again or another is put in its place.
_Stamp = tuple[tuple[int, int, int] | None, ...]


class Certificates:
    """Keeps the newest identity that its files hold; used by several threads.

    Args:
        paths: where the files are.

    Raises:
        CertificateError: what is there cannot be served with. Later a broken file never replaces a good one.
    """

    def __init__(self, paths: CertificatePaths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self._stamp = _stamp(paths)
        self._identity = read_identity(paths)

    @property
    def asks_clients(self) -> bool:
        """Whether clients must show a certificate."""
        return self._paths.client_ca is not None

    @property
    def expires(self) -> float:
        """When the certificate that is shown ends, in seconds since 1970."""
        return self.current().expires

    def current(self) -> Identity:
        """Return the identity to show now; files that were changed are read again."""
        with self._lock:
            stamp = _stamp(self._paths)
            if stamp != self._stamp:
                self._stamp = stamp
                self._renew()
            return self._identity

    def for_grpc(self) -> grpc.ServerCredentials:
        """Make gRPC's credentials, which ask again at every handshake."""
        told = self._identity

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal told
            identity = self.current()
            if identity is told:
                return None  # nothing has changed; the stubs do not know of it
            told = identity
            return _for_grpc(identity)

        fetcher = cast("Callable[[], grpc.ServerCertificateConfiguration]", fetch)
        return grpc.dynamic_ssl_server_credentials(_for_grpc(told), fetcher, self.asks_clients)

    def for_http(self) -> ssl.SSLContext:
        """Make Python's context, which takes that of the newest identity at every handshake.

        It asks for a client's certificate where there is a client CA and goes on without one: probes have none.
        """
        context = read_identity(self._paths).context

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, outer: ssl.SSLContext) -> None:
            del name, outer
            connection.context = self.current().context

        context.sni_callback = choose  # called without a name too
        return context

    def _renew(self) -> None:
        try:
            self._identity = read_identity(self._paths)
        except CertificateError as error:
            log.error("%s; the one of before is shown until %s", error, self._identity.expires_on)
        else:
            log.info("the certificate was renewed, and is valid until %s", self._identity.expires_on)


def _for_grpc(identity: Identity) -> grpc.ServerCertificateConfiguration:
    pair = (identity.key, identity.certificate)
    return grpc.ssl_server_certificate_configuration([pair], identity.client_ca)


def _stamp(paths: CertificatePaths) -> _Stamp:
    return tuple(_stamp_of(path) for path in (paths.certificate, paths.key, paths.client_ca) if path is not None)


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
