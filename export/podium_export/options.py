"""The options that `podium export` and `podium import` share, gathered into values."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from podium_export.preprocessing import COLOR_MODES, INTERPOLATIONS, LAYOUTS, RESIZE_MODES, ImageFlags

TASKS = ("classification", "text-generation", "tensor")
"""--task."""
IMPORTED_TASKS = ("classification", "tensor")
"""--task, of an ONNX file made elsewhere."""
SCORES = ("logits", "probabilities")
"""--scores."""

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line says of the model, each None or empty where it was not given.

    Attributes:
        task: one of `TASKS`.
        description: one or two sentences for people.
        labels: the file of class names.
        scores: one of `SCORES`.
        atol: the absolute tolerance.
        rtol: the relative tolerance.
        axis: the lengths that dynamic axes are tried at, by name.
        images: the flags on pictures.
    """

    task: str | None
    description: str | None
    labels: Path | None
    scores: str | None
    atol: float | None
    rtol: float | None
    axis: Mapping[str, tuple[int, ...]]
    images: ImageFlags


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Read "0.485,0.456,0.406"; a fraction such as 1/255 is a number too."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(_number(part) for part in str(value).replace(" ", "").split(","))
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is not numbers with commas between, as in 0.485,0.456,0.406", param, ctx)


class Number(click.ParamType[float]):
    """A number or a fraction."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read "0.00392" or "1/255"."""
        try:
            return _number(str(value))
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is not a number, as in 0.0039 or 1/255", param, ctx)


class Size(click.ParamType[tuple[int, int]]):
    """Height and width in pixels."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read "32" (square) or "240x320" (height, width)."""
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().replace("×", "x").split("x")
        if len(parts) <= 2 and all(part.isdigit() and 0 < int(part) <= 16384 for part in parts):
            return int(parts[0]), int(parts[-1])
        return self.fail(f"{value!r} is not a size: give 32 (square) or 240x320 (height, width)", param, ctx)


class AxisLengths(click.ParamType[tuple[str, tuple[int, ...]]]):
    """The lengths that one axis is tried at."""

    name = "axis"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Read "height=224,256"."""
        if isinstance(value, tuple):
            return value
        axis, _, lengths = str(value).partition("=")
        parts = lengths.split(",")
        if axis and all(part.strip().isdigit() and int(part) > 0 for part in parts):
            return axis, tuple(int(part) for part in parts)
        return self.fail(f"{value!r} is not an axis with lengths, as in height=224,256", param, ctx)


def _number(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


_DESTINATION = (
    click.option("--name", required=True, help="What the model is called where it is served."),
    click.option(
        "--repository",
        required=True,
        type=click.Path(path_type=Path),
        help="The folder of all models; made if it is missing.",
    ),
    click.option("--version", type=int, help="1 or more; the next free one if left out. Never overwritten."),
)
_MODEL = (
    click.option("--task", type=click.Choice(TASKS), help="What the model is for."),
    click.option("--description", help="One or two sentences for people."),
    click.option(
        "--labels",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Class names: a text file with one a line, or JSON.",
    ),
    click.option("--scores", type=click.Choice(SCORES), help="What a classifier's output holds [logits]."),
    click.option("--image-size", type=Size(), help="The network's input: 32, or 240x320 (height, width)."),
    click.option("--color", type=click.Choice(list(COLOR_MODES)), help="The channels that the network sees."),
    click.option("--resize", type=click.Choice(list(RESIZE_MODES)), help="How the size is reached [stretch]."),
    click.option("--interpolation", type=click.Choice(list(INTERPOLATIONS)), help="The filter [bilinear]."),
    click.option("--shorter-side", type=click.IntRange(1), help="Before a center-crop, in pixels."),
    click.option("--crop-fraction", type=float, help="The part that crop-then-resize keeps."),
    click.option("--rescale", type=Number(), help="What a pixel of 0 … 255 is multiplied by [1/255]."),
    click.option("--mean", type=Numbers(), help="Subtracted after rescaling, a value a channel [none]."),
    click.option("--std", type=Numbers(), help="Divided by after that, a value a channel [none]."),
    click.option("--layout", type=click.Choice(list(LAYOUTS)), help="The order of the input's axes [nchw]."),
    click.option(
        "--axis",
        type=AxisLengths(),
        multiple=True,
        metavar="NAME=LENGTH,…",
        help="Lengths that a dynamic axis is tried at [batch 1,3,8; others 5,11,1]; repeatable.",
    ),
    click.option("--atol", type=click.FloatRange(0), help="Absolute tolerance of the comparison [1e-5]."),
    click.option("--rtol", type=click.FloatRange(0), help="Relative tolerance of the comparison [1e-4]."),
)


def destination(command: Command) -> Command:
    """Add --name, --repository and --version."""
    return _add(command, _DESTINATION)


def model(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a model may be told of itself, handed to the command as `choices`."""

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        images = ImageFlags(**{field.name: given.pop(field.name) for field in fields(ImageFlags)})
        others = {field.name: given.pop(field.name) for field in fields(Choices) if field.name != "images"}
        others["axis"] = dict(others["axis"])
        return command(choices=Choices(images=images, **others), **given)

    return _add(gathered, _MODEL)


def _add(command: Command, options: Sequence[Callable[[Command], Command]]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
