"""Options of a command line that are gathered into one value, a dataclass whose fields are named as they are."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What `click.option` gives."""


def gathered(
    command: Callable[..., Any], options: Sequence[Decorator], name: str, kind: "type[DataclassInstance]"
) -> Callable[..., Any]:
    """Add options to a command, which is handed their values as one.

    Args:
        command: takes the value by its name.
        options: one a field, in the order in which help lists them.
        name: what the command calls the value.
        kind: the value's class.
    """

    @functools.wraps(command)
    def gathering(**given: Any) -> Any:
        value = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
        return command(**{name: value}, **given)

    decorated: Callable[..., Any] = gathering
    for option in reversed(options):
        decorated = option(decorated)
    return decorated


def given_flags(value: "DataclassInstance") -> list[str]:
    """List the fields that were given, neither None nor empty, as they are typed: "--top-k"."""
    values = {field.name: getattr(value, field.name) for field in fields(value)}
    return [f"--{name.replace('_', '-')}" for name, own in values.items() if own not in (None, ())]
