"""Who may do what: which calls change the server, who is a caller, and what each of the two needs."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from podium_server.errors import PermissionDenied, Unauthenticated
from podium_server.security.tokens import Client, Scope, TokenFile

MODEL_SERVICE = "podium.v1.ModelService"
# What reads is named so; everything else of the service changes what is served.
_READING = ("List", "Get")
_OPEN_INFERENCE_ADMIN = ("RepositoryModelLoad", "RepositoryModelUnload")
_SCHEME = "bearer "


def scope_of(method: str) -> Scope:
    """What a call needs, by its method's full name, as "podium.v1.ModelService.LoadModel"."""
    service, _, name = method.rpartition(".")
    if name in _OPEN_INFERENCE_ADMIN or (service == MODEL_SERVICE and not name.startswith(_READING)):
        return Scope.ADMIN
    return Scope.CALL


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of callers.

    Attributes:
        tokens: the tokens that are good; None where nobody needs one.
        admin_off: why calls that change the server are refused whoever sends them; empty where they are not.
    """

    tokens: TokenFile | None = None
    admin_off: str = ""

    def asks_for(self, scope: Scope) -> bool:
        """Whether a call of this scope is looked at at all."""
        return self.tokens is not None or (scope is Scope.ADMIN and bool(self.admin_off))

    def check(self, metadata: Iterable[tuple[str, Any]], scope: Scope, now: float) -> Client | None:
        """Say who calls; None where nobody needs a token.

        Args:
            metadata: what came with the call.
            scope: what it needs.
            now: the monotonic second.

        Raises:
            Unauthenticated: there is no token, or none that is good.
            PermissionDenied: the token is for something else, or such calls are off.
        """
        if scope is Scope.ADMIN and self.admin_off:
            raise PermissionDenied(self.admin_off)
        if self.tokens is None:
            return None
        header = next((value for key, value in metadata if key == "authorization"), None)
        return identify(self.tokens, header, scope, now)


def identify(tokens: TokenFile, header: object, scope: Scope, now: float) -> Client:
    """Say whose token a header carries.

    Raises:
        Unauthenticated, PermissionDenied: as `Access.check`.
    """
    if header is None:
        raise Unauthenticated("this server wants a token: send `authorization: Bearer TOKEN` with the call")
    if not isinstance(header, str) or header[: len(_SCHEME)].lower() != _SCHEME:
        raise Unauthenticated("`authorization` must be `Bearer TOKEN`, with a token of `podium token`")
    client = tokens.find(header[len(_SCHEME) :].strip(), now)
    if client is None:
        raise Unauthenticated("the token is unknown: it is mistyped, was replaced, or is another server's")
    if not client.may(scope):
        has = ", ".join(each for each in Scope if each in client.scopes)
        raise PermissionDenied(
            f"{client.name}'s token is for {has}, and this needs {scope}; make one with `podium token NAME --scope "
            f"{scope}`"
        )
    return client
