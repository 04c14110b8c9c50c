"""The client and its commands with servers behind TLS and tokens: it works, or the message says what would make it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from podium_client import (
    AsyncClient,
    InvalidArgumentError,
    NoServerError,
    PermissionDeniedError,
    RetryPolicy,
    UnauthenticatedError,
)
from podium_client.commands.bench import bench
from podium_client.commands.models import models
from podium_server.security.tokens import Scope

from tests.security.authority import Authority, Stored
from tests.security.conftest import Running, Start
from tests.security.test_tokens import line

TOKEN = "podium_secret"


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> Stored:
    """The server's certificate and key."""
    return authority.issue().store(tmp_path / "tls", "server")


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> Path:
    """The authority's certificate as a file."""
    file = tmp_path / "ca.crt"
    file.write_bytes(authority.certificate)
    return file


def client(running: Running, **options: Any) -> AsyncClient:
    """A client that asks once."""
    return AsyncClient(running.address, timeout=30, retries=RetryPolicy(max_attempts=1), **options)


async def listed(running: Running, **options: Any) -> list[str]:
    """Ask for the models."""
    async with client(running, **options) as asking:
        return [model.name for model in await asking.models()]


async def run(*arguments: str, environ: dict[str, str] | None = None) -> Result:
    """Run `podium models` while the event loop serves."""
    return await asyncio.to_thread(CliRunner().invoke, models, [*arguments, "--json"], env=environ)


async def test_who_speaks_otherwise_than_the_server_is_told_how_it_speaks(
    start: Start, authority: Authority, files: Stored, ca: Path
) -> None:
    """Each way round, in words on which a stranger can act."""
    plain = await start()
    tls = await start(tls_certificate=files.certificate, tls_key=files.key)
    mutual = await start(tls_certificate=files.certificate, tls_key=files.key, tls_client_ca=ca)
    trusting = grpc.ssl_channel_credentials(authority.certificate)
    strange = grpc.ssl_channel_credentials(Authority("stranger").certificate)
    for running, credentials, words in (
        (tls, None, "closed the connection at once; does it want TLS, `credentials=`, or `--tls` and `--ca`"),
        (plain, trusting, "does not speak TLS; leave out the credentials, `--tls` of the commands"),
        (tls, strange, "is not trusted: unable to get local issuer certificate; give its authority's, `--ca FILE`"),
        (mutual, trusting, "closed the connection at once; does it want a certificate of yours"),
    ):
        with pytest.raises(NoServerError) as refusal:
            await listed(running, credentials=credentials)
        assert words in str(refusal.value)
        assert running.address in str(refusal.value)


async def test_an_https_port_is_no_grpc_port(start: Start, authority: Authority, files: Stored) -> None:
    """As without TLS."""
    running = await start(tls_certificate=files.certificate, tls_key=files.key)
    running.address = f"localhost:{running.ports.http}"
    with pytest.raises(NoServerError, match="that is an HTTP port; podium's gRPC port is 8001"):
        await listed(running, credentials=grpc.ssl_channel_credentials(authority.certificate))


async def test_a_certificate_for_another_name_is_told_apart(start: Start, authority: Authority, tmp_path: Path) -> None:
    """It is trusted, and not this server's."""
    files = authority.issue(hosts=("models.example.com",)).store(tmp_path / "tls", "other")
    running = await start(tls_certificate=files.certificate, tls_key=files.key)
    with pytest.raises(NoServerError, match="is for another name; call the server by the name in its certificate"):
        await listed(running, credentials=grpc.ssl_channel_credentials(authority.certificate))


async def test_a_token_says_who_calls(start: Start, tmp_path: Path) -> None:
    """With it everything works; without, or for something else, the error's class says which."""
    file = tmp_path / "tokens"
    file.write_text(line("bench", TOKEN, Scope.CALL))
    running = await start(tokens=file)
    assert await listed(running, token=TOKEN) == ["double"]
    with pytest.raises(UnauthenticatedError, match=r"this server wants a token.*\(here: `token=`; of the commands"):
        await listed(running)
    async with client(running, token=TOKEN) as asking:
        with pytest.raises(PermissionDeniedError, match="bench's token is for call, and this needs admin"):
            await asking.unload("double")
        assert await asking.ready()
    async with client(running) as asking:
        await asking.wait_until_ready(timeout=30)


@pytest.mark.parametrize("token", ["", "two words", "end\n", "tökén", "\x00"])
async def test_what_no_header_carries_is_refused_before_it_is_sent(token: str) -> None:
    """Most often the end of a line; the token is not repeated."""
    with pytest.raises(InvalidArgumentError, match="token: must be one word of plain characters"):
        AsyncClient("localhost:1", token=token)


@pytest.fixture
async def connect(start: Start, authority: Authority, files: Stored, ca: Path, tmp_path: Path) -> list[str]:
    """A server that wants a certificate and a token, and the options that reach it, but for the token."""
    file = tmp_path / "tokens"
    await asyncio.to_thread(file.write_text, line("bench", TOKEN, Scope.CALL))
    running = await start(tls_certificate=files.certificate, tls_key=files.key, tls_client_ca=ca, tokens=file)
    own = authority.issue("bench", client=True).store(tmp_path / "tls", "client")
    certificate = ["--client-certificate", str(own.certificate), "--client-key", str(own.key)]
    return ["--address", running.address, "--ca", str(ca), *certificate]


async def test_commands_speak_tls_and_show_token_and_certificate(connect: list[str]) -> None:
    """Options say how, the environment has the token; files without a newline's care."""
    result = await run(*connect, environ={"PODIUM_TOKEN": f"{TOKEN}\n"})
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["name"] == "double"
    result = await run(*connect)
    assert result.exit_code == 1
    assert "PODIUM_TOKEN, or --token" in result.stderr


async def test_the_load_generator_speaks_tls_and_shows_token_and_certificate(connect: list[str]) -> None:
    """Its connections are its own, and are let in as the client's are; without a token no call of the load is sent."""
    load = ["double", "--callers", "4", "--seconds", "0.2", "--warmup", "0", "--json", *connect]
    result = await asyncio.to_thread(CliRunner().invoke, bench, load, env={"PODIUM_TOKEN": TOKEN})
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["requests_per_s"] > 0
    assert figures["errors"] == {}
    result = await asyncio.to_thread(CliRunner().invoke, bench, load)
    assert result.exit_code == 1
    assert "PODIUM_TOKEN, or --token" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--client-key", "{ca}"], "give both, or neither"),
        (["--client-certificate", "{ca}"], "give both, or neither"),
        (["--ca", "nowhere.crt"], "nowhere.crt"),
        (["--ca", "{junk}"], "--ca {junk}: cannot be used"),
        (["--client-certificate", "{ca}", "--client-key", "{ca}"], "--client-key {ca}: cannot be used"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_is_sent(ca: Path, arguments: list[str], words: str) -> None:
    """Exit status 2, with the file that is wrong."""
    files = {"ca": ca, "junk": ca.with_name("junk")}
    files["junk"].write_text("junk")
    result = CliRunner().invoke(models, [argument.format(**files) for argument in arguments])
    assert result.exit_code == 2
    assert words.format(**files) in result.stderr
