"""How the commands of latent space report: pictures shown and saved, or JSON for programs."""

import dataclasses
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from PIL import Image, ImageOps
from rich.console import Console
from rich.text import Text

from podium_client.answers import ResponseMetadata
from podium_client.client import Client
from podium_client.commands.picture_files import Destination
from podium_client.commands.terminal_picture import display_of, show_sheet
from podium_client.pictures import Picture
from podium_client.sheets.answers import class_name, note
from podium_client.sheets.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Report:
    """Reports what one command was answered.

    Attributes:
        command: the command's name, part of a new file's name.
        destination: where the pictures go.
        as_json: print JSON instead of showing.
    """

    command: str
    destination: Destination
    as_json: bool

    def report(
        self, sheet: Sheet, pictures: Sequence[Picture], more: dict[str, Any], class_names: Sequence[str] = ()
    ) -> None:
        """Save, show and print an answer.

        Args:
            sheet: its pictures as people see them.
            pictures: the same for programs.
            more: what else there is for programs.
            class_names: of the model, if it has any.
        """
        metadata = pictures[0].metadata
        drawn = sheet.draw()
        records = [picture_record(picture, class_names) for picture in pictures]
        if self.destination.folder is None:
            files = [self.destination.save_sheet(drawn, f"{metadata.model}-{self.command}")]
        else:
            files = save_each(self.destination.folder, pictures, first_index=0)
            for record, file in zip(records, files, strict=True):
                record["file"] = str(file)
        if self.as_json:
            click.echo(json.dumps(answer_record(metadata, files, {**more, "pictures": records}), indent=2))
            return
        self.show(sheet, drawn, metadata, files)

    def show(self, sheet: Sheet, drawn: Image.Image, metadata: ResponseMetadata, files: Sequence[Path]) -> None:
        """Show a sheet where the terminal can, and say where the pictures are."""
        console = Console(highlight=False)
        console.print(
            Text(sheet.title, style="bold").append(f"  {note(metadata)}", style="not bold dim"), soft_wrap=True
        )
        show_sheet(sheet, drawn, console, display_of(console, os.environ))
        where = str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"
        console.print(Text("→ ", style="dim").append(where, style="not dim"), soft_wrap=True)


def save_each(folder: Path, pictures: Iterable[Picture], first_index: int) -> list[Path]:
    """Write a PNG file a picture, named by its index.

    Raises:
        click.ClickException: one cannot be written.
    """
    files: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, picture in enumerate(pictures, first_index):
            file = folder / f"{index:06}.png"
            file.write_bytes(picture.png)
            files.append(file)
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror or error}") from error
    return files


def answer_record(metadata: ResponseMetadata, files: Sequence[Path], more: dict[str, Any]) -> dict[str, Any]:
    """Say for programs what was answered, and where it is."""
    return {"metadata": dataclasses.asdict(metadata), "files": [str(file) for file in files], **more}


def picture_record(picture: Picture, class_names: Sequence[str] = ()) -> dict[str, Any]:
    """Say for programs what a picture was made of."""
    record: dict[str, Any] = {}
    if picture.class_index is not None:
        record["class"] = picture.class_index
        record["class_name"] = class_name(picture.class_index, class_names)
    record["latent"] = None if picture.latent is None else [float(value) for value in picture.latent]
    return record


def class_names_of(client: Client, metadata: ResponseMetadata) -> list[str]:
    """Look up the names of a version's classes."""
    manifest = client.model(f"{metadata.model}/{metadata.version}").manifest
    return list(manifest.latent_space.class_names)


def opened(file: Path) -> Image.Image:
    """Open a picture as the server does, upright.

    Raises:
        click.ClickException: it cannot be read, or is no picture.
    """
    try:
        with Image.open(file) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or 'no picture that can be read'}") from error
