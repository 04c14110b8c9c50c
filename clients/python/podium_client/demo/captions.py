"""Chapter: pictures described in words, with a failure beside the successes."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.text import Text

from podium_client.commands.bars import sequences_table
from podium_client.demo.samples import photos
from podium_client.demo.stage import Stage
from podium_client.sheets.answers import note
from podium_client.sheets.captions import CaptionedPicture, draw_captions

MODEL = "captioner"

TRAINED_ON = (
    "Trained on some ten thousand emoji and their names, and on nothing else: a photograph, or a thing that it was "
    "never shown, it can only liken to the emoji it knows."
)

_NUM_BEST = 3
_NUM_BEAMS = 4
_LEAST_RIGHT = 3
_PICTURES = Path(__file__).parent / "emoji"


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of the chapter.

    Attributes:
        file: its file.
        truth: what it shows, as its name among emoji says.
        note: how it stands to what the network was trained on.
    """

    file: Path
    truth: str
    note: str


def pictures() -> list[Shown]:
    """List the pictures: drawings that were held out, one of a thing never shown, and a photograph."""
    new_drawing, new_thing = "a held-out drawing", "never shown"
    emoji = [
        ("octopus", "noto-emoji", new_drawing),
        ("bicycle", "fluent-emoji", new_drawing),
        ("croissant", "noto-emoji", new_drawing),
        ("elephant", "fluent-emoji", new_drawing),
        ("watermelon", "twemoji", new_drawing),
        ("floppy disk", "fluent-emoji", new_drawing),
        ("penguin", "noto-emoji", new_thing),
    ]
    shown = [Shown(_PICTURES / f"{name.replace(' ', '-')}.{artist}.png", name, text) for name, artist, text in emoji]
    cat = next(photo for photo in photos() if photo.name == "chelsea")
    return [*shown, Shown(cat.path, "cat", "a photograph, no emoji")]


def show_captions(stage: Stage) -> None:
    """Caption pictures, count the right ones, and draw them with what was said."""
    stage.chapter(f"CaptioningService.Caption, StreamCaption · {MODEL}")
    if not stage.serves(MODEL):
        return
    stage.console.print(TRAINED_ON, style="dim")
    shown = pictures()
    answers = stage.client.caption(MODEL, [each.file for each in shown], num_best=_NUM_BEST, num_beams=_NUM_BEAMS)
    captioned = [
        CaptionedPicture(_opened(each.file), answer, each.truth, each.note)
        for each, answer in zip(shown, answers, strict=True)
    ]
    for each in captioned:
        stage.console.print(Text(each.truth, style="bold").append(f"  {each.note}", style="not bold dim"))
        stage.console.print(sequences_table(each.captions))
    num_right = sum(each.right for each in captioned)
    wanted = f"{_LEAST_RIGHT} or more of {len(shown)} right"
    stage.expect(num_right >= _LEAST_RIGHT, f"captions by {MODEL}", expected=wanted, got=num_right)
    stage.expect(num_right < len(shown), "an honest sheet", expected="a failure beside the successes", got="none")
    _watch(stage, shown[0])
    path = stage.output / "captions.png"
    title = f"{num_right} of {len(shown)} pictures named"
    draw_captions(title, TRAINED_ON, note(answers[0].metadata), captioned).save(path)
    stage.wrote(path)


def _watch(stage: Stage, shown: Shown) -> None:
    """See that a caption word by word is the caption in one piece."""
    stream = stage.client.stream_caption(MODEL, shown.file, num_beams=1)
    num_pieces = sum(1 for _ in stream)
    whole = stage.client.caption(MODEL, shown.file, num_beams=1)
    stage.expect(
        stream.text == whole.text, "StreamCaption", expected=f"what Caption says: {whole.text}", got=stream.text
    )
    stage.console.print(f"StreamCaption: {stream.text!r} in {num_pieces} pieces.")


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")
