"""Looks into a pickled checkpoint without running it: which classes it wants, and under which keys it keeps things."""

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

_LEGACY_PICKLES = 5  # magic number, protocol, system, the object, the storages' keys
_LEGACY_PREAMBLE = 3  # of them come before the object
_HARMLESS = ("torch._utils.", "torch.FloatStorage", "collections.OrderedDict")
_LEGACY_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


def is_foreign_pickle(start: bytes) -> bool:
    """Tell a pickle that torch.save did not write: its own begin with a magic number, or lie in a zip archive.

    Args:
        start: the file's first bytes, 32 or more where it has them.
    """
    return start.startswith(b"\x80") and len(start) >= 32 and _LEGACY_MAGIC not in start[:32]


def holds_dictionary(path: Path) -> bool:
    """Tell whether the object that was saved is a dictionary, rather than a module or a tensor."""
    before = 0 if zipfile.is_zipfile(path) else _LEGACY_PREAMBLE
    for operation, argument in _operations(path):
        if operation == "STOP":
            before -= 1
        elif before == 0 and operation not in ("PROTO", "FRAME"):
            return operation == "EMPTY_DICT" or argument == "collections OrderedDict"
    return False


def wanted_classes(path: Path) -> list[str]:
    """List what a checkpoint would import, as in "argparse.Namespace", each once."""
    names: dict[str, None] = {}
    strings = ["", ""]
    for operation, argument in _operations(path):
        if operation == "GLOBAL":
            names[str(argument).replace(" ", ".")] = None
        elif operation == "STACK_GLOBAL":
            names[".".join(strings[-2:])] = None
        elif isinstance(argument, str):
            strings = [strings[-1], argument]
    return [name for name in names if not name.startswith(_HARMLESS)]


def protocol_of(path: Path) -> int:
    """Tell the pickle protocol that a checkpoint was saved with: 2 unless its writer asked for another."""
    return next((int(str(argument)) for operation, argument in _operations(path) if operation == "PROTO"), 2)


def strings_of(path: Path) -> set[str]:
    """Collect the strings of a checkpoint: among them the keys of its dictionaries."""
    return {argument for _, argument in _operations(path) if isinstance(argument, str)}


def _operations(path: Path) -> Iterator[tuple[str, object]]:
    """Yield each pickle operation and its argument, as far as the file can be read."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith("data.pkl"):
                        with archive.open(name) as stream:
                            yield from _of_one_pickle(stream)
        else:
            with path.open("rb") as stream:
                for _ in range(_LEGACY_PICKLES):
                    yield from _of_one_pickle(stream)
    except (ValueError, EOFError, zipfile.BadZipFile, UnicodeDecodeError):
        return


def _of_one_pickle(stream: IO[bytes]) -> Iterator[tuple[str, object]]:
    for opcode, argument, _ in pickletools.genops(stream):
        yield opcode.name, argument
