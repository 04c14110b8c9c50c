"""How a caller names a model: `lenet5`, `lenet5/3` for a version, `lenet5@stable` for an alias."""

import re
from dataclasses import dataclass

from podium_server.errors import InvalidArgument

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
ALIAS = re.compile(r"(?![0-9]+$)[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Digits alone are none, or `lenet5@3` would be taken for version 3."""
ALIAS_RULE = "an alias has 1 to 100 letters, digits and . _ -, begins with a letter or digit, and is not a number"
MAX_VERSION = 2**63 - 1


def is_version(name: str) -> bool:
    """Tell whether a folder's name is a version's: an integer of 1 or more without zeros before it."""
    return name.isascii() and name.isdigit() and name[0] != "0" and int(name[:20]) <= MAX_VERSION


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model, and which of its versions.

    Attributes:
        name: the model's name.
        version: 1 or more; None for the default one.
        alias: a name that stands for a version; None when there is none.
    """

    name: str
    version: int | None = None
    alias: str | None = None


def parse_ref(text: str, field: str = "model") -> ModelRef:
    """Read a caller's name for a model.

    Args:
        text: what was sent.
        field: the field it was sent in, for the message.

    Raises:
        InvalidArgument: it is none of the three forms.
    """
    name, slash, version = text.partition("/")
    name, at, alias = (name, "", "") if slash else text.partition("@")
    if not NAME.fullmatch(name) or (at and not ALIAS.fullmatch(alias)):
        raise InvalidArgument(
            f"`{field}` is {text[:200]!r}: give a name, 'name/version' or 'name@alias', such as 'lenet5', 'lenet5/3', "
            "'lenet5@stable'",
            field,
        )
    if not slash:
        return ModelRef(name, alias=alias or None)
    return ModelRef(name, parse_version(version, field))


def parse_version(text: str, field: str) -> int:
    """Read a version number.

    Raises:
        InvalidArgument: it is not an integer of 1 or more.
    """
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:20]) <= MAX_VERSION:
        raise InvalidArgument(f"`{field}` names version {text[:200]!r}: versions are integers of 1 or more", field)
    return int(text)
