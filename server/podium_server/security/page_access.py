"""Who may see the metrics page; probes are answered to everybody, for those who ask have nothing to show."""

import time
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from podium_server.errors import PermissionDenied, Unauthenticated
from podium_server.security.access import identify
from podium_server.security.shown_certificate import shows_certificate
from podium_server.security.tokens import Scope, TokenFile


@dataclass(frozen=True, slots=True)
class PageAccess:
    """What is asked of who wants a page.

    Attributes:
        tokens: the tokens that are good; None where nobody needs one.
        asks_clients: whether a certificate must be shown.
    """

    tokens: TokenFile | None = None
    asks_clients: bool = False

    def refuse(self, request: Request) -> Response | None:
        """Make the refusal; None for who may see the page."""
        if self.asks_clients and not shows_certificate(request.scope):
            return PlainTextResponse("this page wants a client certificate of the server's tls-client-ca\n", 401)
        if self.tokens is None:
            return None
        try:
            identify(self.tokens, request.headers.get("authorization"), Scope.METRICS, time.monotonic())
        except Unauthenticated as error:
            return PlainTextResponse(f"{error}\n", 401, {"www-authenticate": "Bearer"})
        except PermissionDenied as error:
            return PlainTextResponse(f"{error}\n", 403)
        return None


OPEN = PageAccess()
