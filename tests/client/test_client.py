"""The client for programs without an event loop: the same calls, from any thread."""

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import assert_type

import pytest
from podium_client import AsyncClient, Classification, Client, InvalidArgumentError, Model, ModelNotFoundError

from tests.client.fake_server import FakeServer, in_a_thread, serving


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose event loop is another thread's."""
    with in_a_thread(serving()) as server:
        yield server


def test_calls_answer_as_the_asynchronous_ones_do(server: FakeServer) -> None:
    """With the same types, for one picture and for several."""
    with Client(server.address) as client:
        one = client.classify("digits", b"\x05")
        many = client.classify("digits", [b"\x05", b"\x06"], top_k=1)
        models = client.models()
        assert_type(one, Classification)
        assert_type(many, list[Classification])
        assert_type(models, list[Model])

        assert one.best.name == "byte 5"
        assert [answer.best.index for answer in many] == [5, 6]
        assert models[0].name == "digits"
        assert client.ready()


def test_every_call_of_the_asynchronous_client_is_there() -> None:
    """No call is forgotten, and each keeps its signature and docstring."""
    calls = inspect.getmembers(AsyncClient, inspect.isfunction)

    for name, asynchronous in calls:
        if name.startswith("_"):
            continue
        blocking = getattr(Client, name)
        assert inspect.signature(blocking) == inspect.signature(asynchronous)
        if name != "close":
            assert blocking.__doc__ == asynchronous.__doc__


def test_errors_are_the_same_classes(server: FakeServer) -> None:
    """They cross the thread as they are."""
    with Client(server.address) as client, pytest.raises(ModelNotFoundError, match="letters"):
        client.model("letters")


def test_one_client_serves_several_threads(server: FakeServer) -> None:
    """Each thread gets the answers to its own questions."""
    with Client(server.address) as client, ThreadPoolExecutor(16) as threads:

        def ask(number: int) -> int:
            return client.classify("digits", bytes([number])).best.index

        answers = list(threads.map(ask, range(200)))

    assert answers == list(range(200))


def test_two_clients_live_side_by_side(server: FakeServer) -> None:
    """Each with a thread of its own."""
    with Client(server.address) as first, Client(server.address) as second:
        assert first.ready()
        assert second.ready()
    assert not [thread for thread in threading.enumerate() if thread.name == "podium-client"]


async def test_it_works_inside_a_running_event_loop(server: FakeServer) -> None:
    """As in a notebook's cell, which is run by a loop."""
    assert asyncio.get_running_loop().is_running()

    with Client(server.address) as client:
        assert client.classify("digits", b"\x05").best.index == 5


def test_a_wrong_address_leaves_no_thread_behind() -> None:
    """The constructor cleans up after itself."""
    with pytest.raises(InvalidArgumentError):
        Client("localhost")

    assert not [thread for thread in threading.enumerate() if thread.name == "podium-client"]


def test_a_closed_client_says_so(server: FakeServer) -> None:
    """Closing twice is closing once."""
    client = Client(server.address)
    client.close()
    client.close()

    with pytest.raises(RuntimeError, match="the client is closed"):
        client.models()


def test_calls_under_way_end_when_it_is_closed(server: FakeServer) -> None:
    """Nobody waits for ever for a client that is no more."""
    server.gate.clear()
    client = Client(server.address)
    with ThreadPoolExecutor(1) as threads:
        call = threads.submit(client.models)
        while not server.arrived.is_set():
            pass
        client.close()

        with pytest.raises(BaseException):  # noqa: B017, PT011  cancelled, by whichever side is quicker
            call.result(timeout=30)


PROGRAM = """
import sys
from podium_client import Client
client = Client(sys.argv[1])
print(client.classify("digits", b"\\x05").best.name)
"""


def test_a_program_that_forgets_to_close_it_ends_without_a_word(server: FakeServer) -> None:
    """With warnings as errors, and nothing on its standard error."""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", PROGRAM, server.address]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (0, "byte 5\n")
    assert "Error" not in done.stderr
