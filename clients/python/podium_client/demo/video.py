"""Chapter: digits in motion, told frame by frame as they come, and as whole clips."""

import math
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from rich.text import Text

from podium_client.demo.samples import Digit, digits
from podium_client.demo.stage import Stage
from podium_client.sheets.answers import note
from podium_client.sheets.sheet import Row, Sheet
from podium_client.video_answers import FrameClassification

MODEL = "motion"

_NUM_FRAMES, _SIDE, _DIGIT_SIDE = 12, 40, 22
_FRAME_RATE = 12.0
_ENLARGED = 5  # so that a sheet gives a frame, and the words below it, all the room there is
_SPEED = 1.2  # pixels a frame
_DIRECTIONS = ("right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right")
# The digit, and where it goes.
_SHOWN = ((3, "right"), (5, "up-left"), (7, "down"), (0, "down-left"), (4, "up"), (2, "left"), (6, "down-right"))
_LEAST_RIGHT = 6


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A digit that moves.

    Attributes:
        frames: (12, 40, 40), uint8, bright on dark.
        truth: its label.
    """

    frames: NDArray[np.uint8]
    truth: str


def show_video(stage: Stage) -> None:
    """Send frames one by one, draw each with what was said when it came, and compare with whole clips."""
    stage.chapter(f"ClassificationService.ClassifyFrames, ClassifyVideo · {MODEL}")
    if not stage.serves(MODEL):
        return
    clips = _clips()
    told = [list(stage.client.classify_frames(MODEL, iter(clip.frames), top_k=1)) for clip in clips]
    whole = [stage.client.classify_video(MODEL, clip.frames, frame_rate=_FRAME_RATE, top_k=1) for clip in clips]
    for clip, frames, answer in zip(clips, told, whole, strict=True):
        stage.console.print(Text(clip.truth, style="bold").append(f"  {_story(frames)}", style="not bold dim"))
        same = frames[-1].best == answer.best
        stage.expect(same, f"{clip.truth}, whole", expected=frames[-1].best.name, got=answer.best.name)
    num_right = sum(answer.best.label == clip.truth for clip, answer in zip(clips, whole, strict=True))
    wanted = f"{_LEAST_RIGHT} or more of {len(clips)} right"
    stage.expect(num_right >= _LEAST_RIGHT, f"clips by {MODEL}", expected=wanted, got=num_right)
    title = f"{num_right} of {len(clips)} clips told right, and what was said with each frame as it came"
    rows = [
        Row([_enlarged(frame) for frame in clip.frames], _short(clip.truth), [_said(each) for each in frames])
        for clip, frames in zip(clips, told, strict=True)
    ]
    header = [f"frame {number}" for number in range(_NUM_FRAMES)]
    stage.draw(Sheet(title, note(whole[0].metadata), rows, header), "motion.png")


def _clips() -> list[Clip]:
    """Let one digit of each wanted class move its way, with a little noise."""
    first = {digit.label: digit for digit in reversed(digits(1))}
    chance = np.random.default_rng(0)
    return [Clip(_moving(first[label], way, chance), f"{label} moving {way}") for label, way in _SHOWN]


def _moving(digit: Digit, way: str, chance: np.random.Generator) -> NDArray[np.uint8]:
    angle = _DIRECTIONS.index(way) * math.tau / len(_DIRECTIONS)
    times = np.arange(_NUM_FRAMES) - (_NUM_FRAMES - 1) / 2
    across = _SIDE / 2 + times * _SPEED * math.cos(angle)
    down = _SIDE / 2 + times * _SPEED * math.sin(angle)
    drawn = np.stack([_drawn(digit, x, y) for x, y in zip(across, down, strict=True)]).astype(np.float64)
    noisy = drawn + chance.normal(0, 0.06 * 255, drawn.shape)
    return noisy.clip(0, 255).round().astype(np.uint8)


def _drawn(digit: Digit, x: float, y: float) -> NDArray[np.uint8]:
    """Draw a digit, made smaller, with its middle at a place."""
    side = len(digit.pixels)
    scale = side / _DIGIT_SIDE
    data = (scale, 0.0, side / 2 - scale * x, 0.0, scale, side / 2 - scale * y)
    picture = Image.fromarray(digit.pixels).transform(
        (_SIDE, _SIDE), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
    )
    return np.asarray(picture)


def _enlarged(frame: NDArray[np.uint8]) -> Image.Image:
    return ImageOps.scale(Image.fromarray(frame), _ENLARGED, Image.Resampling.NEAREST)


def _short(label: str) -> str:
    return label.replace(" moving ", " ")


def _said(frame: FrameClassification) -> str:
    return _short(frame.best.name)


def _story(frames: list[FrameClassification]) -> str:
    """Say when the answer changed."""
    runs = [next(group) for _, group in groupby(frames, key=lambda frame: frame.best.index)]
    said = "; ".join(f"{_said(frame)} from frame {frame.frame_index}" for frame in runs)
    return f"{said}; {frames[-1].best.probability:.1%} at the end"
