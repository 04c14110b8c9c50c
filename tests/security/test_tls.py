"""TLS on both ports: who is trusted, what is refused at the start, certificates that are renewed while it runs."""

import asyncio
import os
import ssl
from collections.abc import Callable
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from grpc import StatusCode, aio
from podium.v1 import model_service_pb2 as pb
from podium_server.security.certificates import Certificates
from podium_server.security.identity import CertificateError, CertificatePaths, read_identity
from podium_server.server import Server
from podium_server.settings import Settings
from podium_server.start_error import StartError

from tests.security.authority import DAY, Authority, Stored, key_pem
from tests.security.conftest import Running, Start


@pytest.fixture
def server_files(authority: Authority, tmp_path: Path) -> Stored:
    """The server's certificate and key."""
    return authority.issue().store(tmp_path / "tls", "server")


@pytest.fixture
def client_ca(authority: Authority, tmp_path: Path) -> Path:
    """The authority's certificate as a file."""
    file = tmp_path / "ca.crt"
    file.write_bytes(authority.certificate)
    return file


def tls(files: Stored, client_ca: Path | None = None) -> dict[str, Any]:
    """The settings of TLS."""
    return {"tls_certificate": files.certificate, "tls_key": files.key, "tls_client_ca": client_ca}


async def list_models(running: Running, credentials: grpc.ChannelCredentials) -> list[str]:
    """Ask for the models over a new connection."""
    async with aio.secure_channel(running.address, credentials) as channel:
        response = await running.models(channel).ListModels(pb.ListModelsRequest(), timeout=30)
        return [model.name for model in response.models]


async def page(running: Running, path: str, context: ssl.SSLContext) -> tuple[int, str, Any]:
    """Ask for a page over a new connection; its status, text, and the server's certificate."""

    def ask() -> tuple[int, str, Any]:
        connection = HTTPSConnection("localhost", running.ports.http, timeout=30, context=context)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            shown = connection.sock.getpeercert()
            return response.status, response.read().decode(), shown
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


def trusting(authority: Authority, client: Stored | None = None) -> ssl.SSLContext:
    """A caller's context that trusts an authority, and shows a certificate if it has one."""
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # the authority of these tests has no key identifiers
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


async def test_both_ports_speak_tls(start: Start, authority: Authority, server_files: Stored) -> None:
    """Who trusts the authority is answered on both."""
    running = await start(**tls(server_files))
    assert await list_models(running, grpc.ssl_channel_credentials(authority.certificate)) == ["double"]
    status, text, _ = await page(running, "/metrics", trusting(authority))
    assert status == 200
    assert "podium_certificate_expiry_timestamp_seconds" in text


async def test_who_does_not_trust_the_authority_does_not_call(start: Start, server_files: Stored) -> None:
    """The handshake fails; nothing is sent."""
    running = await start(**tls(server_files))
    stranger = Authority("stranger")
    with pytest.raises(aio.AioRpcError) as refusal:
        await list_models(running, grpc.ssl_channel_credentials(stranger.certificate))
    assert refusal.value.code() is StatusCode.UNAVAILABLE


async def test_mutual_tls_asks_callers_for_a_certificate(
    start: Start, authority: Authority, server_files: Stored, client_ca: Path
) -> None:
    """One of the right authority calls; one of another, and none, do not."""
    running = await start(**tls(server_files, client_ca))
    good, bad = authority.issue("bench", client=True), Authority("stranger").issue("bench", client=True)
    trusted = authority.certificate
    assert await list_models(running, grpc.ssl_channel_credentials(trusted, good.key, good.certificate)) == ["double"]
    for credentials in (
        grpc.ssl_channel_credentials(trusted),
        grpc.ssl_channel_credentials(trusted, bad.key, bad.certificate),
    ):
        with pytest.raises(aio.AioRpcError) as refusal:
            await list_models(running, credentials)
        assert refusal.value.code() is StatusCode.UNAVAILABLE


async def test_mutual_tls_answers_probes_and_keeps_the_metrics_page(
    start: Start, authority: Authority, server_files: Stored, client_ca: Path, tmp_path: Path
) -> None:
    """An orchestrator has no certificate to show; Prometheus has."""
    running = await start(**tls(server_files, client_ca))
    client = authority.issue("prometheus", client=True).store(tmp_path / "tls", "client")
    assert (await page(running, "/readyz", trusting(authority)))[0] == 200
    assert (await page(running, "/metrics", trusting(authority)))[0] == 401
    assert (await page(running, "/metrics", trusting(authority, client)))[0] == 200
    bad = Authority("stranger").issue("prometheus", client=True).store(tmp_path / "tls", "bad")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await page(running, "/livez", trusting(authority, bad))


async def test_a_renewed_certificate_is_shown_without_a_restart(
    start: Start, authority: Authority, server_files: Stored
) -> None:
    """New connections of both ports see it; an old one goes on."""
    running = await start(**tls(server_files))
    credentials = grpc.ssl_channel_credentials(authority.certificate)
    async with aio.secure_channel(running.address, credentials) as old:
        await running.models(old).ListModels(pb.ListModelsRequest())
        renewing = Authority("renewed")
        renew(server_files, renewing)
        renewed = grpc.ssl_channel_credentials(renewing.certificate)
        assert await list_models(running, renewed) == ["double"]
        assert (await page(running, "/livez", trusting(renewing)))[0] == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await page(running, "/livez", trusting(authority))
        await running.models(old).ListModels(pb.ListModelsRequest())


async def test_a_renewed_client_authority_replaces_the_old_one(
    start: Start, authority: Authority, server_files: Stored, client_ca: Path
) -> None:
    """Certificates of the authority that was taken away are refused from then on."""
    running = await start(**tls(server_files, client_ca))
    second = Authority("second")
    old, new = authority.issue(client=True), second.issue(client=True)
    await asyncio.to_thread(client_ca.write_bytes, second.certificate)
    trusted = authority.certificate
    assert await list_models(running, grpc.ssl_channel_credentials(trusted, new.key, new.certificate)) == ["double"]
    with pytest.raises(aio.AioRpcError):
        await list_models(running, grpc.ssl_channel_credentials(trusted, old.key, old.certificate))


async def test_a_broken_renewal_changes_nothing(
    start: Start, authority: Authority, server_files: Stored, caplog: pytest.LogCaptureFixture
) -> None:
    """Half of a pair, junk, nothing at all: the good one is shown on, and the log says why, once."""
    running = await start(**tls(server_files))
    renewed = authority.issue()
    for broken in (renewed.certificate, b"junk", None):
        caplog.clear()
        if broken is None:
            server_files.certificate.unlink()
        else:
            server_files.certificate.write_bytes(broken)
        for _ in range(2):
            assert await list_models(running, grpc.ssl_channel_credentials(authority.certificate)) == ["double"]
        assert (await page(running, "/livez", trusting(authority)))[0] == 200
        (record,) = [record for record in caplog.records if record.name.startswith("podium_server.security")]
        assert "the one of before is shown until" in record.getMessage()


def renew(files: Stored, authority: Authority) -> None:
    """Put another pair in the place of one, as certificate managers do: by renaming."""
    pair = authority.issue()
    for file, content in ((files.certificate, pair.certificate), (files.key, pair.key)):
        fresh = file.with_suffix(".new")
        fresh.write_bytes(content)
        os.replace(fresh, file)  # noqa: PTH105  the renaming is the point


def test_expiry_is_the_certificates_own(authority: Authority, server_files: Stored) -> None:
    """What the metric shows is what the file says."""
    certificates = Certificates(CertificatePaths(server_files.certificate, server_files.key))
    first = certificates.expires
    pair = authority.issue(ends=20 * DAY)
    server_files.certificate.write_bytes(pair.certificate)
    server_files.key.write_bytes(pair.key)
    assert 9.9 * DAY.total_seconds() < certificates.expires - first < 10.1 * DAY.total_seconds()


def _missing(files: Stored, authority: Authority) -> None:
    del authority
    files.key.unlink()


def _other_key(files: Stored, authority: Authority) -> None:
    files.key.write_bytes(authority.issue().key)


def _swapped(files: Stored, authority: Authority) -> None:
    del authority
    certificate, key = files.certificate.read_bytes(), files.key.read_bytes()
    files.certificate.write_bytes(key)
    files.key.write_bytes(certificate)


def _encrypted(files: Stored, authority: Authority) -> None:
    del authority
    files.key.write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"))


def _expired(files: Stored, authority: Authority) -> None:
    pair = authority.issue(begins=-5 * DAY, ends=-DAY)
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)


def _too_early(files: Stored, authority: Authority) -> None:
    pair = authority.issue(begins=DAY)
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)


def _for_clients(files: Stored, authority: Authority) -> None:
    pair = authority.issue(client=True)
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)


def _damaged(files: Stored, authority: Authority) -> None:
    del authority
    files.certificate.write_bytes(files.certificate.read_bytes().replace(b"MII", b"MIx"))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_missing, "tls-key: .*server.key cannot be read: No such file or directory"),
        (_other_key, "tls-key: .*server.key is not the key of the certificate in .*server.crt"),
        (_swapped, "tls-certificate: .*server.crt holds no certificate"),
        (_encrypted, "tls-key: .*server.key is encrypted; must be without a passphrase"),
        (_expired, "tls-certificate: .*server.crt has expired: renew it"),
        (_too_early, "tls-certificate: .*server.crt is not valid yet: is this machine's clock right?"),
        (_for_clients, "tls-certificate: .*server.crt would be refused by clients: unsuitable certificate purpose"),
        (_damaged, "tls-certificate, tls-key: .* cannot be used"),
    ],
)
def test_a_pair_that_cannot_be_served_with_is_named(
    server_files: Stored, authority: Authority, spoil: Callable[[Stored, Authority], None], words: str
) -> None:
    """The setting, the file, what is wrong, what would be right."""
    spoil(server_files, authority)
    with pytest.raises(CertificateError, match=words):
        read_identity(CertificatePaths(server_files.certificate, server_files.key))


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), (b"junk", "holds no certificate")])
async def test_a_wrong_client_authority_stops_the_start(
    settings: Callable[..., Settings], server_files: Stored, tmp_path: Path, content: bytes | None, words: str
) -> None:
    """A server that would let nobody in, or anybody, does not start."""
    file = tmp_path / "wrong.crt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StartError, match=f"tls-client-ca: .*wrong.crt {words}"):
        Server(settings(**tls(server_files, file)))
