"""The classes of a conditional model: what a caller may ask for, by index or by name."""

import difflib
from collections.abc import Sequence

from podium.v1 import image_service_pb2 as wire

from podium_server.errors import InvalidArgument

_MAX_LISTED = 20


class Classes:
    """Finds a class.

    Args:
        num_classes: 1 or more.
        names: one a class, or none.
    """

    def __init__(self, num_classes: int, names: Sequence[str]) -> None:
        self.num_classes = num_classes
        self._names = tuple(names)

    def index_of(self, condition: wire.ClassCondition, field: str = "class_condition") -> int:
        """Find the class that is asked for.

        Raises:
            InvalidArgument: there is none such; the message lists those that there are.
        """
        kind = condition.WhichOneof("condition")
        if kind is None:
            raise InvalidArgument(f"{field}: is empty; it must have index or name; {self.listed}", field)
        if kind == "name":
            return self._by_name(condition.name, f"{field}.name")
        if condition.index >= self.num_classes:
            raise InvalidArgument(f"{field}.index: is {condition.index}; {self.listed}", f"{field}.index")
        return int(condition.index)

    @property
    def listed(self) -> str:
        """The classes in words."""
        bounds = f"0 … {self.num_classes - 1}" if self.num_classes > 1 else "0 alone"
        if not self._names:
            return f"the classes are {bounds}, without names"
        more = ", …" if len(self._names) > _MAX_LISTED else ""
        return f"the classes are {bounds}: {', '.join(self._names[:_MAX_LISTED])}{more}"

    def _by_name(self, name: str, field: str) -> int:
        if name in self._names:
            return self._names.index(name)
        if name.isascii() and name.isdigit() and int(name[:20]) < self.num_classes:
            return int(name)  # at a command line nobody tells a number from a name
        alike = suggestion(name, self._names)
        raise InvalidArgument(f"{field}: there is no class {name[:100]!r}{alike}; {self.listed}", field)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Ask whether something of a like name was meant; empty where nothing is."""
    folded = {each.casefold(): each for each in reversed(known)}
    alike = difflib.get_close_matches(name[:100].casefold(), folded, n=1)
    return f" (did you mean {folded[alike[0]]!r}?)" if alike else ""
