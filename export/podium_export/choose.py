"""Finds the network that a command means: a bundled architecture by name."""

import difflib
from collections.abc import Mapping

from podium_export.architecture import Architecture, NetworkChoices
from podium_export.architectures import ARCHITECTURES
from podium_export.errors import OptionError


def architecture_named(
    name: str, known: Mapping[str, Architecture] = ARCHITECTURES, choices: NetworkChoices | None = None
) -> Architecture:
    """Look an architecture up.

    Raises:
        OptionError: there is none of that name, and those that there are are listed; or it has no such choice.
    """
    if name in known:
        return known[name] if choices is None else known[name].chosen(choices)
    close = difflib.get_close_matches(name.lower(), known, n=1)
    guess = f'; did you mean "{close[0]}"?' if close else ""
    listed = "\n".join(f"  {key:<20} {architecture.summary}" for key, architecture in known.items())
    raise OptionError(
        f'there is no architecture "{name}"{guess}\nThere are:\n{listed}\n'
        "For a network of your own, give --module package.module:factory in its place."
    )
