"""From settings to what stands at the door: certificates, and the guard."""

from podium_server.metrics import Metrics
from podium_server.security.access import Access, is_loopback
from podium_server.security.certificates import Certificates
from podium_server.security.client_limits import ClientLimits
from podium_server.security.guard import Guard
from podium_server.security.identity import CertificatePaths
from podium_server.security.model_limits import ModelLimits
from podium_server.security.request_memory import RequestMemory
from podium_server.security.tokens import TokenFile
from podium_server.settings import Settings


def read_certificates(settings: Settings) -> Certificates | None:
    """Read the certificate, where there is to be TLS.

    Raises:
        CertificateError: it cannot be served with.
    """
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    return Certificates(CertificatePaths(settings.tls_certificate, settings.tls_key, settings.tls_client_ca))


def post_guard(settings: Settings, metrics: Metrics) -> Guard:
    """Make the guard.

    Raises:
        TokenFileError: the tokens cannot be read.
    """
    memory = None
    if settings.max_request_memory_bytes is not None:
        memory = RequestMemory(settings.max_request_memory_bytes)
        metrics.show_request_bytes(lambda: memory.used_bytes)
    clients = None
    if settings.max_calls_per_client is not None or settings.max_rate_per_client is not None:
        clients = ClientLimits(settings.max_calls_per_client, settings.max_rate_per_client)
    return Guard(
        metrics=metrics,
        access=Access(TokenFile(settings.tokens) if settings.tokens else None, _why_admin_is_off(settings)),
        clients=clients,
        models=ModelLimits(settings.max_calls_per_model) if settings.max_calls_per_model else None,
        memory=memory,
    )


def _why_admin_is_off(settings: Settings) -> str:
    """Tell why nobody may change what is served; empty where somebody may."""
    if is_loopback(settings.host) or settings.tokens is not None or settings.tls_client_ca is not None:
        return ""
    return (
        f"calls that change what is served are off: this server listens on {settings.host} and asks nobody who it is; "
        "start it with `--tokens FILE`, or with `--tls-client-ca FILE`"
    )
