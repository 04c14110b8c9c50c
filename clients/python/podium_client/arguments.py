"""Checks of what callers give: what can be seen to be wrong is refused before it is sent, by field."""

import math
import operator
from collections.abc import Sequence

from podium_client.errors import InvalidArgumentError


def whole(value: int, field: str, least: int, *, bits: int = 32) -> int:
    """Check a whole number of at least `least` that the wire holds in so many bits.

    Raises:
        InvalidArgumentError: it is not one.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not least <= number < 1 << bits:
        raise InvalidArgumentError(f"{field}: {value!r}; give a whole number from {least} to 2^{bits} - 1", field=field)
    return number


def positive(value: float, field: str, most: float = math.inf) -> float:
    """Check a finite number above 0, and of at most `most`.

    Raises:
        InvalidArgumentError: it is not one.
    """
    if not (0 < value <= most and value < math.inf):
        upper = "" if math.isinf(most) else f", at most {most:g}"
        raise InvalidArgumentError(f"{field}: {value}; give a number above 0{upper}", field=field)
    return value


def not_negative(value: float, field: str) -> float:
    """Check a finite number of 0 or more.

    Raises:
        InvalidArgumentError: it is not one.
    """
    if not 0 <= value < math.inf:
        raise InvalidArgumentError(f"{field}: {value}; give a number of 0 or more", field=field)
    return value


def text(value: object, field: str) -> str:
    """Check a text that the wire can carry: one that UTF-8 can write.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not isinstance(value, str):
        hint = ": decode it first" if isinstance(value, bytes) else ""
        raise InvalidArgumentError(f"{field}: a {type(value).__name__}; give a str{hint}", field=field)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"{field}: character {error.start} is {value[error.start]!r}, half of a surrogate pair, which UTF-8 "
            "cannot write; give whole characters",
            field=field,
        ) from error
    return value


def texts(value: str | Sequence[str], field: str) -> tuple[bool, list[str]]:
    """Say whether one text was given rather than several, and give a list of them in any case.

    Raises:
        InvalidArgumentError: a list without texts, or one of them is none.
    """
    if isinstance(value, str | bytes):
        return True, [text(value, field)]
    listed = [text(each, f"{field}[{place}]") for place, each in enumerate(value)]
    if not listed:
        raise InvalidArgumentError(f"{field}: an empty list; give at least one text", field=field)
    return False, listed
