"""Emoji as three artists draw them, with their names: pictures that people recognise, and what each is called.

The pictures are Twemoji's (CC BY 4.0, © Twitter, Inc. and other contributors), Noto Emoji's (Apache-2.0, Google) and
Fluent Emoji's (MIT, Microsoft), on white; the names are the English ones of Unicode's CLDR, as emojibase lists them.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from podium_export.recipes.emoji_parts import Part, parts_of
from podium_export.recipes.registry_archive import RegistryArchive, from_npm

SIDE = 64
"""Height and width of a picture, in pixels."""

NAMES = RegistryArchive(
    "emojibase-data", "17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a", from_npm
)
"""Where the names are."""

_NAMES_FILE = "package/en/data.json"


@dataclass(frozen=True, slots=True)
class Drawings:
    """Where one artist's pictures are: a file each, named by the code points.

    Attributes:
        artist: the style's name.
        archive: the package.
        folder: of the files in the package.
    """

    artist: str
    archive: RegistryArchive
    folder: str


ARTISTS = (
    Drawings(
        "Twemoji",
        RegistryArchive(
            "emoji-datasource-twitter",
            "16.0.0",
            "f64a530c63bca463bd8317fdc4615ce63a53a0c65018e4ce2d848aaba7a28877",
            from_npm,
        ),
        "package/img/twitter/64/",
    ),
    Drawings(
        "Noto Emoji",
        RegistryArchive(
            "emoji-datasource-google",
            "16.0.0",
            "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438",
            from_npm,
        ),
        "package/img/google/64/",
    ),
    Drawings(
        "Fluent Emoji",
        RegistryArchive(
            "@lobehub/fluent-emoji-3d",
            "1.1.0",
            "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58",
            from_npm,
        ),
        "package/assets/",
    ),
)
"""Everybody whose pictures are learned from."""


@dataclass(frozen=True, slots=True)
class Emoji:
    """Pictures with their names.

    Attributes:
        images: (count, 3, 64, 64) uint8, on white.
        captions: what each is called.
        artists: who drew each.
    """

    images: Tensor
    captions: Sequence[str]
    artists: Sequence[str]

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.captions)

    def part(self, part: Part) -> "Emoji":
        """Give those that belong to a part."""
        parts = parts_of(self.captions, self.artists)
        return self.at([place for place, own in enumerate(parts) if own is part])

    def at(self, places: Sequence[int]) -> "Emoji":
        """Give some of them."""
        return Emoji(
            self.images[torch.tensor(places, dtype=torch.int64)],
            [self.captions[place] for place in places],
            [self.artists[place] for place in places],
        )


def emoji() -> Emoji:
    """Read every picture that has a name: about eleven thousand.

    Raises:
        FetchError: a package cannot be had.
    """
    names = _names(json.loads(NAMES.files(lambda path: path == _NAMES_FILE)[_NAMES_FILE]))
    images: list[np.ndarray[Any, np.dtype[np.uint8]]] = []
    captions: list[str] = []
    artists: list[str] = []
    for drawings in ARTISTS:
        files = drawings.archive.files(_lies_in(drawings.folder))
        named = {path: names.get(_code(path)) for path in sorted(files)}
        known = {path: name for path, name in named.items() if name is not None}
        with ThreadPoolExecutor() as pool:
            images.extend(pool.map(picture, (files[path] for path in known)))
        captions.extend(known.values())
        artists.extend([drawings.artist] * len(known))
    return Emoji(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), captions, artists)


def picture(file: bytes) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    """Decode a picture, put it on white and bring it to its side (64, 64, 3)."""
    image = Image.open(io.BytesIO(file)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _names(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    every = [one for entry in entries for one in (entry, *entry.get("skins", ()))]
    return {_code(f"{one['hexcode']}.png"): one["label"] for one in every}


def _code(path: str) -> str:
    """Give the code points that a file is named by, less the one that asks for colour, which not everybody writes."""
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return stem.lower().replace("_", "-").replace("-fe0f", "").removeprefix("00")


def _lies_in(folder: str) -> Callable[[str], bool]:
    return lambda path: path.startswith(folder) and path.endswith((".png", ".webp"))
