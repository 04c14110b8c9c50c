"""Where a command's pictures go."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
from PIL import Image

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, slots=True)
class Destination:
    """What `-o` said.

    Attributes:
        file: the sheet's file, written over if it exists; None: a name of its own that is still free.
        folder: the folder for a file a picture; None: all pictures on one sheet.
    """

    file: Path | None = None
    folder: Path | None = None

    def save_sheet(self, sheet: Image.Image, name: str) -> Path:
        """Write a sheet.

        Args:
            sheet: the picture.
            name: the start of the file's name where none was asked for.

        Raises:
            click.ClickException: it cannot be written.
        """
        try:
            if self.file is None:
                return _save_as_new(sheet, name)
            self.file.parent.mkdir(parents=True, exist_ok=True)
            sheet.save(self.file)
        except OSError as error:
            raise click.ClickException(f"{self.file or name}: {error.strerror or error}") from error
        return self.file


def output_option(command: "click.decorators.FC") -> "click.decorators.FC":
    """Let a command's user say where its pictures go."""
    return click.option(
        "-o",
        "--output",
        "destination",
        metavar="FILE|FOLDER/",
        callback=_destination,
        help="A file for a sheet of all pictures, or a folder for a file a picture.  "
        "[default: a sheet with a new name in this folder]",
    )(command)


def _destination(_: click.Context, __: click.Parameter, value: str | None) -> Destination:
    if value is None:
        return Destination()
    path = Path(value)
    if value.endswith(("/", "\\")) or path.is_dir():
        return Destination(folder=path)
    if path.suffix.lower() not in _SUFFIXES:
        raise click.BadParameter(
            f"{value!r} ends in {path.suffix or 'nothing'}; give a file ending in {', '.join(_SUFFIXES)}, or a "
            "folder, ending in /, for a file a picture"
        )
    return Destination(file=path)


def _save_as_new(sheet: Image.Image, name: str) -> Path:
    for path in _names(name):
        try:
            with path.open("xb") as file:
                sheet.save(file, "PNG")
        except FileExistsError:
            continue
        return path
    raise AssertionError("there is always another name")


def _names(name: str) -> Iterator[Path]:
    safe = "".join(character if character.isalnum() or character in "-._" else "-" for character in name)
    yield Path(f"{safe}.png")
    number = 2
    while True:
        yield Path(f"{safe}-{number}.png")
        number += 1
