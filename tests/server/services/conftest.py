"""One server with a model of each kind that writes, on ports of its own."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2_grpc as stubs

from tests.oip.running import Running, serve
from tests.server.packages import write_package
from tests.server.services import networks


def write_all(repository: Path) -> None:
    """Write the models."""
    networks.write_letters(repository / "letters" / "1")
    networks.write_letters(repository / "short" / "1", max_tokens=8)
    networks.write_letters(
        repository / "careful" / "1", defaults=decoding_pb2.Decoding(num_beams=3, max_tokens=5, stop=["\n"])
    )
    networks.write_bytes(repository / "bytes" / "1")
    networks.write_words(repository / "words" / "1")
    networks.write_captioner(repository / "captioner" / "1")
    networks.write_translator(repository / "translator" / "1")
    write_package(repository / "sums" / "1")


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The server."""
    repository = tmp_path_factory.mktemp("repository")
    write_all(repository)
    limits = {"max_prompt_tokens": 500, "max_output_tokens": 400, "max_sequences_per_request": 64}
    with serve(repository, cores=1, sessions=1, threads=1, max_batch_rows=16, **limits) as server:
        yield server


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.TextServiceStub]:
    """A client."""
    with grpc.insecure_channel(running.address) as channel:
        yield stubs.TextServiceStub(channel)
