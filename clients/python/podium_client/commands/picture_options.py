"""Options that the commands of latent space share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Number = TypeVar("Number", int, float)

MAX_SEED = (1 << 64) - 1

file_type = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


def seed_option(*names: str, text: str) -> "Callable[[click.decorators.FC], click.decorators.FC]":
    """Make an option for a seed."""
    return click.option(*names, type=click.IntRange(0, MAX_SEED), default=None, help=text)


class_option = click.option(
    "--class",
    "condition",
    metavar="NAME|INDEX",
    help="The class of every picture, for models that have classes: its name, or else its index.",
)


def numbers(
    kind: Callable[[str], Number], example: str
) -> Callable[[click.Context, click.Parameter, str | None], tuple[Number, ...]]:
    """Make the callback of an option that takes numbers with commas between them, such as -2,-1,0,1,2."""

    def read(_: click.Context, __: click.Parameter, value: str | None) -> tuple[Number, ...]:
        try:
            return tuple(kind(part) for part in value.split(",")) if value is not None else ()
        except ValueError as error:
            message = f"{value!r}; give numbers with commas between them, such as {example}"
            raise click.BadParameter(message) from error

    return read
