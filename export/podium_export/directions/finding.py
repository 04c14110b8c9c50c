"""From a model and two folders of pictures to a direction in a new version."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from podium.v1 import model_manifest_pb2 as pb

from podium_export.directions.direction import Examples, Latents, Separation, split
from podium_export.directions.named import named_direction
from podium_export.directions.revising import add_direction
from podium_export.encoding.encoder import Encoder
from podium_export.encoding.picture_folder import pictures_of
from podium_export.errors import OptionError, PackageError
from podium_export.inspection.opened import Opened, open_path
from podium_export.package import NAME, Destination
from podium_export.progress import Progress

MIN_PICTURES = 6
"""The least number of pictures of each kind: four to learn from and two to hold out."""

_MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be found.

    Attributes:
        name: what the direction is called.
        positive: the folder of pictures with the property.
        negative: that of those without.
        method: a key of `METHODS`.
        class_name: what every picture shows, for an encoder that is told.
    """

    name: str
    positive: Path
    negative: Path
    method: str = "difference-of-means"
    class_name: str | None = None

    def check(self) -> None:
        """Refuse what needs no look at a picture.

        Raises:
            OptionError: the name is none, or the folders are one.
        """
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > _MAX_NAME:
            raise OptionError(f"--name {self.name!r}: give a direction's name, 1 to {_MAX_NAME} letters, as in smile")
        if self.positive.resolve() == self.negative.resolve():
            raise OptionError(f"--positive and --negative are the same folder, {self.positive}: give one of each kind")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found and published.

    Attributes:
        path: the new version's folder.
        source: the version that was copied.
        direction: what the manifest says of it.
        separation: how held-out examples lie.
    """

    path: Path
    source: Opened
    direction: pb.LatentDirection
    separation: Separation


def find_direction(repository: Path, model: str, wanted: Wanted, progress: Progress) -> Found:
    """Encode both folders, find the direction, measure it on a held-out third, publish a new version.

    Args:
        repository: the folder of all models.
        model: "name", or "name/version".
        wanted: what is to be found.
        progress: told what is being done.

    Raises:
        ExportError: what stopped it; nothing is published then.
    """
    wanted.check()
    package = open_model(repository, model)
    progress.step(f"Loading the encoder of {package.title}")
    encoder = Encoder(package, wanted.class_name)
    folders = ((wanted.positive, "--positive"), (wanted.negative, "--negative"))
    files = [pictures_of(folder, option, at_least=MIN_PICTURES) for folder, option in folders]
    latents: list[Latents] = []
    for (folder, _), found in zip(folders, files, strict=True):
        progress.step(f"Encoding {len(found):,} pictures of {folder}")
        latents.append(encoder.encode(found, progress.detail).mean)
    direction, held_out = named_direction(wanted.name, wanted.method, *split(Examples(*latents)))
    _refuse_none(direction)
    progress.step("Writing the new version")
    name = model.partition("/")[0]
    return Found(add_direction(package, direction, Destination(repository, name)), package, direction, held_out)


def _refuse_none(direction: pb.LatentDirection) -> None:
    """Refuse a direction that leads nowhere.

    Raises:
        OptionError: the two kinds have the same mean, so that no way leads from one to the other.
    """
    values = np.array(direction.values)
    if not np.isfinite(values).all() or not values.any():
        raise OptionError(
            "--positive and --negative: the model sees no difference between the two; give other pictures"
        )


def open_model(repository: Path, model: str) -> Opened:
    """Find a model's version: the one that is named, or the newest.

    Raises:
        OptionError: the name is none.
        PackageError: there is no such model or version; lists those that there are.
    """
    name, slash, version = model.partition("/")
    if not NAME.fullmatch(name) or (slash and not (version.isascii() and version.isdigit())):
        raise OptionError(f'MODEL "{model}": give a model\'s name, or name and version, as in digits-vae/3')
    folder = repository / name / version if slash else repository / name
    if not folder.is_dir():
        raise PackageError(f"{folder}: there is no such {'version' if slash else 'model'}{_others(folder.parent)}")
    return open_path(folder)


def _others(folder: Path) -> str:
    there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    listed = [name for name in there if not name.startswith(".")]
    return f"; there are {', '.join(listed)}" if listed else ""
