"""One client of several servers: its calls go round them, and on when one of them is gone."""

import asyncio
import re
from typing import Any

import pytest
from podium_client import AsyncClient, Classification, InvalidArgumentError, NoServerError
from podium_client.target import target_of

from tests.client.fake_images import png
from tests.client.fake_server import serving


async def test_calls_go_round_the_servers() -> None:
    """Every server that was named gets some."""
    async with (
        serving() as first,
        serving() as second,
        AsyncClient(f"{first.address}, localhost:{second.port}") as client,
    ):
        await client.wait_until_ready()
        while not (first.num_calls and second.num_calls):
            assert first.num_calls + second.num_calls < 1000
            await client.classify("digits", png(7))


async def test_a_call_whose_server_dies_is_answered_by_another() -> None:
    """It is sent again, since the same request has the same answer anywhere."""
    async with serving() as second:
        async with serving(closed=True) as first:
            client = AsyncClient(f"{first.address},{second.address}")
            arrived = asyncio.ensure_future(first.arrived.wait())
            calls: list[asyncio.Future[Classification]] = []
            while not arrived.done():  # the first may be connected to later
                calls.append(asyncio.ensure_future(client.classify("digits", png(7))))
                either: list[asyncio.Future[Any]] = [arrived, calls[-1]]
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*calls)
        assert second.num_calls == len(calls)
        await client.close()


async def test_a_lost_connection_of_the_only_server_is_told() -> None:
    """Whether it ran the call nobody knows, and there is no other to ask."""
    async with serving() as server:
        address = server.address
    async with AsyncClient(address) as client:
        with pytest.raises(NoServerError):
            await client.classify("digits", png(7))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.0.1:8001,10.0.0.2:8002", "ipv4:10.0.0.1:8001,10.0.0.2:8002"),
        ("[::1]:8001, [::2]:8001", "ipv6:[::1]:8001,[::2]:8001"),
        ("localhost:8001,127.0.0.2:8001", "ipv4:127.0.0.1:8001,127.0.0.2:8001"),
        ("dns:///podium:8001", "dns:///podium:8001"),
    ],
)
def test_several_addresses_are_one_target(address: str, name: str) -> None:
    """Names are looked up once; a name for all of them is left to gRPC, which looks again."""
    assert target_of(address).name == name
    assert target_of(address).has_others


@pytest.mark.parametrize("address", ["models.internal:8001", "unix:/run/podium.sock"])
def test_one_address_is_as_it_was(address: str) -> None:
    """gRPC's own choice among the addresses of a name."""
    assert target_of(address).name == address
    assert not target_of(address).has_others


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.0.0.1:8001,10.0.0.2", "'10.0.0.2' in the list is no HOST:PORT"),
        ("10.0.0.1:8001,nowhere.invalid:8001", "there is no 'nowhere.invalid'"),
        ("10.0.0.1:8001,[::1]:8001", "IPv4 addresses alone"),
    ],
)
def test_a_wrong_address_in_a_list_is_named(address: str, words: str) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match=re.escape(words)):
        target_of(address)
