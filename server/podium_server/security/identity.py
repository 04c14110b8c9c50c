"""The server's certificate as it lies in files: read, and tried in a handshake with ourselves before it is shown."""

import datetime as dt
import ssl
from dataclasses import dataclass
from pathlib import Path

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"
_ENCRYPTED = (b"-----BEGIN ENCRYPTED PRIVATE KEY-----", b"Proc-Type: 4,ENCRYPTED")
# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_NOT_YET_VALID, _EXPIRED = 9, 10


class CertificateError(Exception):
    """A file cannot be served with; the message names the setting, the file, what is wrong, what would be right."""


@dataclass(frozen=True, slots=True)
class CertificatePaths:
    """Where PEM files are.

    Attributes:
        certificate: the server's certificate, then those between it and its authority.
        key: its private key, without a passphrase.
        client_ca: the authorities whose certificates clients must show; None where they need not show any.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server shows of itself, and whom it asks for the same.

    Attributes:
        certificate: PEM.
        key: PEM.
        client_ca: PEM, or None.
        context: the same for Python's own TLS; asks for a client's certificate and goes on without one.
        expires: when the certificate ends, in seconds since 1970.
    """

    certificate: bytes
    key: bytes
    client_ca: bytes | None
    context: ssl.SSLContext
    expires: float

    @property
    def expires_on(self) -> str:
        """The same for people."""
        return _date(self.expires)


def read_identity(paths: CertificatePaths) -> Identity:
    """Read the files, and try them.

    Raises:
        CertificateError: a file is missing or no such PEM file, the key is another certificate's or encrypted, the
            certificate is not valid now or not for servers.
    """
    certificate = _read(paths.certificate, "tls-certificate")
    key = _read(paths.key, "tls-key")
    client_ca = _read(paths.client_ca, "tls-client-ca") if paths.client_ca else None
    _look_at(paths, certificate, key, client_ca)
    context = _make_context(paths)
    return Identity(certificate, key, client_ca, context, _try(context, paths.certificate))


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{setting}: {path} cannot be read: {error.strerror}; must be a PEM file") from error


def _look_at(paths: CertificatePaths, certificate: bytes, key: bytes, client_ca: bytes | None) -> None:
    """Tell what OpenSSL would only hint at."""
    if _CERTIFICATE not in certificate:
        raise CertificateError(
            f"tls-certificate: {paths.certificate} holds no certificate; must be a PEM file of the server's "
            "certificate, then those between it and its authority"
        )
    if _KEY not in key:
        raise CertificateError(f"tls-key: {paths.key} holds no private key; must be the PEM file of one")
    if any(mark in key for mark in _ENCRYPTED):
        raise CertificateError(
            f"tls-key: {paths.key} is encrypted; must be without a passphrase, readable for the server alone: "
            "`openssl pkey -in FILE -out NEW-FILE` writes one"
        )
    if client_ca is not None and _CERTIFICATE not in client_ca:
        raise CertificateError(
            f"tls-client-ca: {paths.client_ca} holds no certificate; must be a PEM file of authorities' certificates"
        )


def _make_context(paths: CertificatePaths) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A ticket would let a client in again without its certificate being looked at.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET
    try:
        context.load_cert_chain(paths.certificate, paths.key)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None)
        if reason == "KEY_VALUES_MISMATCH":
            raise CertificateError(
                f"tls-key: {paths.key} is not the key of the certificate in {paths.certificate}; give the pair that "
                "was made together"
            ) from error
        raise CertificateError(
            f"tls-certificate, tls-key: {paths.certificate} and {paths.key} cannot be used: {_words(error)}"
        ) from error
    if paths.client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
        try:
            context.load_verify_locations(paths.client_ca)
        except (ssl.SSLError, OSError) as error:
            raise CertificateError(f"tls-client-ca: {paths.client_ca} cannot be used: {_words(error)}") from error
    return context


def _try(context: ssl.SSLContext, certificate: Path) -> float:
    """Shake hands with ourselves, trusting the certificate's file; when the certificate expires.

    Python has no reader of certificates of its own; this way OpenSSL also judges dates, purpose and strength, as the
    clients will.
    """
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server)
    try:
        while not all([_shake(client), _shake(server)]):
            pass  # each turn takes what the other side has written
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(f"tls-certificate: {certificate} {_unfit(error)}") from error
    except ssl.SSLError as error:
        raise CertificateError(f"tls-certificate: {certificate} cannot be used: {_words(error)}") from error
    shown = client.getpeercert()
    assert shown is not None, "a client that verifies sees a certificate"
    return float(ssl.cert_time_to_seconds(str(shown["notAfter"])))


def _shake(side: ssl.SSLObject) -> bool:
    """Go on with a handshake; whether it is over for this side."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _unfit(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "has expired: renew it"
    if error.verify_code == _NOT_YET_VALID:
        return "is not valid yet: is this machine's clock right?"
    return f"would be refused by clients: {error.verify_message}"


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason).lower().replace("_", " ") if reason else str(error)


def _date(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
