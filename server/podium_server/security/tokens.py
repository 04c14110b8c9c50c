"""Bearer tokens: who may do what, kept as hashes in a file that may change while the server runs."""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "podium_"  # lets scanners of leaked secrets know one
# At most so often is the file looked at: a change is seen within that time.
CHECK_EVERY_S = 1.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


class Scope(StrEnum):
    """What a token is for; ADMIN includes the others."""

    CALL = "call"
    METRICS = "metrics"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls.

    Attributes:
        name: as the token file has it; in logs and metrics.
        scopes: what it may do.
    """

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Whether one of its scopes is this, or all of them."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a token file: whose token, and its SHA-256."""

    client: Client
    digest: bytes

    def __str__(self) -> str:
        scopes = ",".join(scope for scope in Scope if scope in self.client.scopes)
        return f"{self.client.name} {scopes} sha256:{self.digest.hex()}"


class TokenFileError(Exception):
    """A token file cannot be used; the message names the file, the line, what is wrong, what would be right."""


def make_token() -> str:
    """Make a token of 256 random bits; so many need no slow hash."""
    return PREFIX + secrets.token_urlsafe(32)


def entry_of(name: str, scopes: frozenset[Scope], token: str) -> Entry:
    """Make the line for a token.

    Raises:
        ValueError: the name may not be one.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"name {name!r} must be of letters, digits, '.', '_' and '-', at most 63")
    return Entry(Client(name, scopes), _digest(token))


def parse(text: str) -> tuple[Entry, ...]:
    """Read a token file: a line a token, `NAME SCOPE[,SCOPE] sha256:HEX`; `#` begins a comment.

    A name may have several tokens, so that one can be replaced while the other is still in use.

    Raises:
        ValueError: names the line, what is wrong and what would be right.
    """
    lines = ((number, line.partition("#")[0].split()) for number, line in enumerate(text.splitlines(), 1))
    return tuple(_entry(number, fields) for number, fields in lines if fields)


def find(entries: Sequence[Entry], token: str) -> Client | None:
    """Find whose token this is; takes the same time for every token of the file and for none of it."""
    digest, found = _digest(token), None
    for entry in entries:
        if hmac.compare_digest(entry.digest, digest):
            found = entry.client
    return found


class TokenFile:
    """The tokens that are good now; used in one event loop.

    Args:
        path: the file.

    Raises:
        TokenFileError: it cannot be read, is malformed, or has no token. Later a malformed file changes nothing, and
            an empty one locks everybody out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamp_now()
        self._entries = _read(path)
        self._check_after = 0.0
        if not self._entries:
            raise TokenFileError(
                f"tokens: {path} has no token, so nobody could call; make one with `podium token NAME --scope call`"
            )

    def find(self, token: str, now: float) -> Client | None:
        """Find whose token this is.

        Args:
            token: as it came.
            now: the monotonic second.
        """
        if now >= self._check_after:
            self._check_after = now + CHECK_EVERY_S
            self._look_again()
        return find(self._entries, token)

    def _look_again(self) -> None:
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._entries = _read(self._path)
        except TokenFileError as error:
            log.error("%s; the tokens of before are good until then", error)
        else:
            log.info("%s was read again: %d tokens", self._path, len(self._entries))

    def _stamp_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> tuple[Entry, ...]:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TokenFileError(f"tokens: {path} cannot be read: {error.strerror}; must be a token file") from error
    except ValueError as error:  # of the text, or of its encoding
        raise TokenFileError(f"tokens: {path}: {error}") from error


def _entry(number: int, fields: Sequence[str]) -> Entry:
    if len(fields) != 3:
        raise ValueError(f"line {number} has {len(fields)} words; must be NAME SCOPE[,SCOPE] sha256:HEX")
    name, scopes, digest = fields
    if not _NAME.fullmatch(name):
        raise ValueError(f"line {number}: the name must be of letters, digits, '.', '_' and '-', at most 63")
    words = scopes.split(",")
    unknown = [word for word in words if word not in list(Scope)]
    if unknown:
        raise ValueError(f"line {number}: there is no scope {unknown[0][:60]!r}; there are {', '.join(Scope)}")
    match = _HASH.fullmatch(digest)
    if match is None:
        raise ValueError(
            f"line {number}: the third word must be sha256: and 64 hexadecimal digits, as `podium token` prints it; "
            "never the token itself"
        )
    return Entry(Client(name, frozenset(Scope(word) for word in words)), bytes.fromhex(match[1]))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
