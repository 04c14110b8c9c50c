"""Whether who asks over HTTP has shown a certificate: uvicorn does not tell, so its protocol is asked.

The protocol is that of h11, whatever else is installed: it holds headers to 64 KiB, where httptools reads without end.
"""

import asyncio
from collections.abc import MutableMapping
from typing import Any, TypeAlias, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

Scope: TypeAlias = MutableMapping[str, Any]
# As the TLS extension of ASGI names it.
_EXTENSION = "tls"


class ShownCertificateProtocol(H11Protocol):
    """A connection whose requests say whether a certificate of the right authority was shown in the handshake."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the handshake is over by now."""
        super().connection_made(cast("asyncio.Transport", transport))
        if transport.get_extra_info("peercert"):
            inner: Any = self.app

            async def shown(scope: Scope, receive: Any, send: Any) -> None:
                scope.setdefault("extensions", {})[_EXTENSION] = {}
                await inner(scope, receive, send)

            self.app: Any = shown


def shows_certificate(scope: Scope) -> bool:
    """Whether a certificate of the right authority came with the connection of a request."""
    return _EXTENSION in scope.get("extensions", {})
