"""Chapter: what LeNet-5 says of handwritten digits."""

import numpy as np
from PIL import Image

from podium_client.answers import Classification
from podium_client.demo.samples import NUM_CLASSES, Digit, digits
from podium_client.demo.stage import Stage
from podium_client.sheets import drawing

MODEL = "digits"

_DIGITS_A_CLASS = 6
_LEAST_RIGHT = 0.95
_SIDE, _GAP, _CAPTION, _TITLE = 112, 16, 46, 76


def show_digits(stage: Stage) -> None:
    """Classify digits in one call, count the right ones, and draw them on a sheet."""
    stage.chapter(f"ClassificationService.Classify · digits · {MODEL}")
    shown = digits(_DIGITS_A_CLASS)
    answers = stage.client.classify(MODEL, [digit.pixels for digit in shown], top_k=1)
    num_right = sum(_said(answer) == digit.label for digit, answer in zip(shown, answers, strict=True))
    stage.console.print(f"{num_right} of {len(shown)} digits are recognised.")
    least = round(len(shown) * _LEAST_RIGHT)
    stage.expect(
        num_right >= least,
        f"digits by {MODEL}",
        expected=f"{least} or more of {len(shown)} right",
        got=num_right,
    )
    one = stage.client.classify(MODEL, shown[0].pixels, return_logits=True)
    many = stage.client.classify(MODEL, [digit.pixels for digit in shown], return_logits=True)[0]
    same = one.logits is not None and many.logits is not None and np.array_equal(one.logits, many.logits)
    stage.expect(same, "a digit alone and in a batch", expected="the same logits", got="others")
    path = stage.output / "digits.png"
    draw_digits(shown, answers, num_right).save(path)
    stage.wrote(path)


def _said(answer: Classification) -> int:
    return answer.best.index


def draw_digits(shown: list[Digit], answers: list[Classification], num_right: int) -> Image.Image:
    """Draw every digit with what was said of it; wrong answers in red."""
    rows = len(shown) // NUM_CLASSES
    width = NUM_CLASSES * (_SIDE + _GAP) + _GAP
    canvas = drawing.Canvas.blank(width, _TITLE + rows * (_SIDE + _CAPTION) + _GAP)
    meta = answers[0].metadata
    canvas.text(_GAP, 48, f"{num_right} of {len(shown)} handwritten digits recognised", size=30)
    canvas.text(width - _GAP, 48, f"{meta.model}/{meta.version}", size=22, fill=drawing.MUTED, anchor="rs")
    for number, (digit, answer) in enumerate(zip(shown, answers, strict=True)):
        row, column = divmod(number, NUM_CLASSES)
        x, y = _GAP + column * (_SIDE + _GAP), _TITLE + row * (_SIDE + _CAPTION)
        # Whole pixels, drawn large: what the network sees.
        picture = Image.fromarray(digit.pixels).resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
        canvas.photo(picture, (x, y, _SIDE, _SIDE))
        right = _said(answer) == digit.label
        canvas.text(x + 2, y + _SIDE + 28, answer.best.name, size=24, fill=drawing.INK if right else drawing.WRONG)
        colour = drawing.ACCENT if right else drawing.WRONG
        canvas.bar(x + 30, y + _SIDE + 16, _SIDE - 32, 7, fraction=answer.best.probability, fill=colour)
    return canvas.image
