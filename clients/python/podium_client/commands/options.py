"""What the callers' commands share: their options, and how their errors are shown."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click

from podium_client.channel import DEFAULT_ADDRESS
from podium_client.errors import PodiumError

P = ParamSpec("P")
T = TypeVar("T")

address_option = click.option(
    "--address",
    metavar="HOST:PORT",
    envvar="PODIUM_ADDRESS",
    default=DEFAULT_ADDRESS,
    show_default=True,
    show_envvar=True,
    help="The server's gRPC port.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="For each call, retries included.",
)


def shows_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Show errors of calls as a message and exit status 1, not as a traceback."""

    @functools.wraps(command)
    def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except PodiumError as error:
            raise click.ClickException(str(error)) from error

    return shown
