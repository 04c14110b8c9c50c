"""Where in latent space a command begins: at a picture's file, or at what a seed draws."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from podium_client.client import Client
from podium_client.commands.picture_report import opened
from podium_client.errors import UnsupportedError
from podium_client.picture_requests import ClassLike, PictureOrLatent


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place in latent space.

    Attributes:
        source: a picture or a latent, as the client takes it.
        name: for people.
        picture: what was given; None for a seed's.
        condition: the class that it was asked for or drawn with; None: none.
    """

    source: PictureOrLatent
    name: str
    picture: Image.Image | None
    condition: ClassLike | None


def place_of_file(file: Path, condition: ClassLike | None) -> Place:
    """Begin at a picture.

    Raises:
        click.ClickException: it cannot be read, or is no picture.
    """
    return Place(file, file.name, opened(file), condition)


def place_of_seed(client: Client, model: str, seed: int, condition: ClassLike | None) -> Place:
    """Begin at the first sample of a seed, and keep its class where it has one.

    Raises:
        PodiumError: the model cannot sample.
    """
    drawn = client.sample(model, seed=seed, condition=condition)[0]
    if drawn.latent is None:
        raise UnsupportedError(f"{model} shows no latents: give files instead of seeds")
    return Place(drawn.latent, f"seed {seed}", None, drawn.class_index if condition is None else condition)
