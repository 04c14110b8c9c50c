"""Chapter: what a network of a thousand classes says of photographs."""

from pathlib import Path

from PIL import Image

from podium_client.answers import Classification
from podium_client.commands.bars import bars_table
from podium_client.demo.samples import Photo, photos
from podium_client.demo.stage import Stage
from podium_client.sheets import drawing

MODEL = "efficientnet-lite0"

_WIDTH, _PHOTO_HEIGHT, _ROW_HEIGHT, _GAP, _PADDING = 456, 300, 42, 24, 20
_COLUMNS = 3
_TOP_K = 3
_HEIGHT = _PHOTO_HEIGHT + 58 + _TOP_K * _ROW_HEIGHT


def show_photos(stage: Stage) -> None:
    """Classify photographs, print the answers as bars, and draw them on a sheet."""
    stage.chapter(f"ClassificationService.Classify · photographs · {MODEL}")
    shown = photos()
    answers = stage.client.classify(MODEL, [photo.path for photo in shown], top_k=_TOP_K)
    for photo, answer in zip(shown, answers, strict=True):
        stage.console.print(photo.name, style="bold")
        stage.console.print(bars_table(answer))
        label = answer.best.name
        right = not photo.expected or any(part in label.lower() for part in photo.expected)
        stage.expect(right, f"{photo.name} by {MODEL}", expected=" or ".join(photo.expected), got=label)
    path = stage.output / "answers.png"
    draw_photos(shown, answers).save(path)
    stage.wrote(path)


def draw_photos(shown: list[Photo], answers: list[Classification]) -> Image.Image:
    """Draw a card for each photograph, and one that says who answered."""
    rows = -(-(len(shown) + 1) // _COLUMNS)
    canvas = drawing.Canvas.blank(_COLUMNS * (_WIDTH + _GAP) + _GAP, rows * (_HEIGHT + _GAP) + _GAP)
    places = [
        (_GAP + column * (_WIDTH + _GAP), _GAP + row * (_HEIGHT + _GAP))
        for row in range(rows)
        for column in range(_COLUMNS)
    ]
    for (x, y), photo, answer in zip(places, shown, answers, strict=False):
        _card(canvas, x, y, photo.path, answer)
    _colophon(canvas, *places[len(shown)], answers[0])
    return canvas.image


def _card(canvas: drawing.Canvas, x: int, y: int, path: Path, answer: Classification) -> None:
    canvas.card(x, y, _WIDTH, _HEIGHT)
    with Image.open(path) as picture:
        canvas.photo(picture, (x, y, _WIDTH, _PHOTO_HEIGHT), drawing.UPPER_CORNERS)
    left, width = x + _PADDING, _WIDTH - 2 * _PADDING
    for rank, score in enumerate(answer.classes):
        baseline = y + _PHOTO_HEIGHT + 42 + rank * (_ROW_HEIGHT + 4)
        best = rank == 0
        ink = drawing.INK if best else drawing.MUTED
        canvas.text(left, baseline, score.name, size=20, fill=ink, room=width - 90)
        percent = f"{score.probability:.1%}"
        canvas.text(left + width, baseline, percent, size=20, fill=ink, anchor="rs")
        colour = drawing.ACCENT if best else drawing.FAINT_ACCENT
        canvas.bar(left, baseline + 9, width, 7, fraction=score.probability, fill=colour)


def _colophon(canvas: drawing.Canvas, x: int, y: int, answer: Classification) -> None:
    """Say who answered, in the place of the last card."""
    meta = answer.metadata
    left = x + _PADDING
    canvas.text(left, y + 96, "podium", size=72)
    lines = (
        f"{meta.model}, version {meta.version}",
        meta.execution_provider.removesuffix("ExecutionProvider") + " execution provider",
        "one gRPC call for all of these pictures:",
        f"{meta.timings.preprocess_ms:.0f} ms to decode and resize them,",
        f"{meta.timings.run_ms:.0f} ms to run the network",
    )
    for number, line in enumerate(lines):
        canvas.text(left, y + 160 + number * 36, line, size=23, fill=drawing.MUTED)
