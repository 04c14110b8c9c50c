"""Finds the network that a command means: a bundled architecture by name."""

import difflib
from collections.abc import Mapping

from podium_export.architecture import Architecture
from podium_export.architectures import ARCHITECTURES
from podium_export.checkpoint import Checkpoint
from podium_export.errors import CheckpointError, OptionError
from podium_export.fitting import Fitted, fit, fits


def architecture_named(name: str, known: Mapping[str, Architecture] = ARCHITECTURES) -> Architecture:
    """Look an architecture up.

    Raises:
        OptionError: there is none of that name; lists those that there are.
    """
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name.lower(), known, n=1)
    guess = f'; did you mean "{close[0]}"?' if close else ""
    listed = "\n".join(f"  {key:<20} {architecture.summary}" for key, architecture in known.items())
    raise OptionError(
        f'there is no architecture "{name}"{guess}\nThere are:\n{listed}\n'
        "For a network of your own, give --module package.module:factory in its place."
    )


def fit_architecture(
    architecture: Architecture, checkpoint: Checkpoint, known: Mapping[str, Architecture] = ARCHITECTURES
) -> Fitted:
    """Build a bundled network for a checkpoint; when it does not fit, try whether another one does.

    Raises:
        CheckpointError: the keys and shapes do not fit.
    """
    try:
        return fit(checkpoint.state, architecture.build, architecture.name)
    except CheckpointError as error:
        better = [other.name for other in known.values() if _fits(other, checkpoint)]
        hint = f'\nThese weights fit the architecture "{better[0]}": export that.' if better else ""
        raise CheckpointError(f"{checkpoint.file_name}: {error}{hint}") from error


def _fits(architecture: Architecture, checkpoint: Checkpoint) -> bool:
    try:
        return fits(checkpoint.state, architecture.build(checkpoint.state))
    except (CheckpointError, RuntimeError, ValueError, ZeroDivisionError):
        return False
