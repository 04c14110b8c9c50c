"""What a service makes of a version's manifest: once, on the first of the version's calls."""

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from podium_server.errors import LoadFailed
from podium_server.servable import Servable

M = TypeVar("M")


class Compiled(Generic[M]):
    """What was made of each version that is loaded.

    Args:
        make: makes it; raises ValueError where the manifest does not add up.
        failing: what a version does then, such as "cannot classify".
    """

    def __init__(self, make: Callable[[Servable], M], failing: str) -> None:
        self._make = make
        self._failing = failing
        # Weak: a version that is unloaded takes what was compiled for it along.
        self._made: WeakKeyDictionary[Servable, M] = WeakKeyDictionary()

    def known(self, servable: Servable) -> M | None:
        """What was made of a version already, if anything was."""
        return self._made.get(servable)

    def of(self, servable: Servable) -> M:
        """What was made of a version, made now if need be.

        Raises:
            LoadFailed: the manifest does not add up.
        """
        made = self._made.get(servable)
        if made is None:
            try:
                made = self._made[servable] = self._make(servable)
            except ValueError as error:
                reason = f"model: '{servable.name}' version {servable.version} {self._failing}: {error}"
                raise LoadFailed(reason) from error
        return made
