"""Aliases, from Python and from the command line, against a real gRPC server."""

import asyncio
import json

import pytest
from click.testing import CliRunner, Result
from grpc import StatusCode
from podium_client import Alias, AsyncClient, LoadFailedError, ModelNotFoundError, ServerError, Share
from podium_client.main import main

from tests.client.fake_server import FakeServer, Refusal, reason, serving


async def podium(server: FakeServer, *arguments: str) -> Result:
    """Run the command in another thread: this one's event loop serves."""
    environment = {"PODIUM_ADDRESS": server.address, "COLUMNS": "120", "NO_COLOR": "1"}
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environment)


async def test_alias_travels_as_it_was_given() -> None:
    """With its shares, and back in the model that the call answers with."""
    async with serving() as server, AsyncClient(server.address) as client:
        plain = await client.set_alias("digits", "stable", 2)
        assert plain.aliases == (Alias("stable", 2),)
        split = await client.set_alias("digits", "stable", 2, canary=Share(3, 12.5), shadow=Share(4, 100))
        (listed,) = await client.models()
        assert split.aliases == listed.aliases == (Alias("stable", 2, Share(3, 12.5), Share(4, 100.0)),)
        gone = await client.delete_alias("digits", "stable")
        assert gone.aliases == ()


@pytest.mark.parametrize(
    ("code", "named", "error"),
    [
        (StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", ModelNotFoundError),
        (StatusCode.FAILED_PRECONDITION, "LOAD_FAILED", LoadFailedError),
        (StatusCode.FAILED_PRECONDITION, "REPOSITORY_UNWRITABLE", ServerError),
    ],
)
async def test_refusals_say_who_is_to_blame(code: StatusCode, named: str, error: type[Exception]) -> None:
    """A repository that cannot be written is the operator's matter."""
    async with serving(Refusal(code, "no", (reason(named),))) as server, AsyncClient(server.address) as client:
        with pytest.raises(error):
            await client.set_alias("digits", "stable", 2)


async def test_command_sets_shows_and_deletes() -> None:
    """Each time with all aliases as they are then."""
    async with serving() as server:
        assert (await podium(server, "alias", "digits")).output == "digits: 2, the newest\n"
        result = await podium(server, "alias", "digits", "stable", "2", "--canary", "3", "--percent", "12.5")
        assert result.output == "digits: 2, the newest\ndigits@stable: 2, 12.5 % to 3\n"
        result = await podium(server, "alias", "digits", "default", "3", "--shadow", "2")
        assert result.output == "digits@stable: 2, 12.5 % to 3\ndigits: 3, 100 % copied to 2\n"
        assert "digits@stable: 2, 12.5 % to 3\n" in (await podium(server, "models")).output
        shown = json.loads((await podium(server, "alias", "digits", "--json")).output)
        assert shown[0] == {
            "name": "stable", "version": 2, "canary": {"version": 3, "percent": 12.5}, "shadow": None
        }  # fmt: skip
        result = await podium(server, "alias", "digits", "stable", "--delete")
        assert result.output == "digits: 3, 100 % copied to 2\n"


async def test_command_of_a_model_that_is_not_there_names_those_that_are() -> None:
    """Status 1, and no trace."""
    async with serving() as server:
        result = await podium(server, "alias", "letters")
    assert (result.exit_code, result.output) == (1, "Error: the server has no model 'letters'; it has digits\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["digits", "stable"],
        ["digits", "stable", "zero"],
        ["digits", "stable", "0"],
        ["digits", "stable", "3", "--canary", "4"],
        ["digits", "stable", "3", "--percent", "4"],
        ["digits", "stable", "3", "--canary", "4", "--percent", "0"],
        ["digits", "stable", "3", "--canary", "4", "--percent", "101"],
        ["digits", "stable", "3", "--shadow-percent", "10"],
        ["digits", "--shadow", "4"],
        ["digits", "--delete"],
        ["digits", "stable", "3", "--delete"],
    ],
)
def test_half_a_decision_is_a_wrong_command_line(arguments: list[str]) -> None:
    """Nothing is sent."""
    assert CliRunner().invoke(main, ["alias", *arguments]).exit_code == 2
