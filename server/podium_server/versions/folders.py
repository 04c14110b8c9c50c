"""What lies in a repository: models, their versions, and whether a version's files are as they were."""

from pathlib import Path
from typing import TypeAlias

from podium_server.model_ref import is_version

# Of each file of a version's folder: its path in it, size in bytes, time of change and number on its disk. Two looks
# that give the same saw the same files, without reading them.
Files: TypeAlias = tuple[tuple[str, int, int, int], ...]


def version_numbers(model: Path) -> list[int]:
    """The versions of a model, ascending; none where there is no such folder.

    Raises:
        OSError: the folder cannot be read.
    """
    if not model.is_dir():
        return []
    return sorted(int(path.name) for path in model.iterdir() if path.is_dir() and is_version(path.name))


def files_of(version: Path) -> Files:
    """Look at the files of a version's folder; what goes away meanwhile is left out."""
    seen: list[tuple[str, int, int, int]] = []
    for path in sorted(version.rglob("*")):
        try:
            if path.is_file():
                stat = path.stat()
                seen.append((str(path.relative_to(version)), stat.st_size, stat.st_mtime_ns, stat.st_ino))
        except OSError:
            continue
    return tuple(seen)


def size_of(files: Files) -> int:
    """The bytes of a version's files."""
    return sum(size for _, size, _, _ in files)


def look(model: Path) -> dict[int, Files]:
    """The versions of a model with their files, ascending.

    Raises:
        OSError: the folder cannot be read.
    """
    return {number: files_of(model / str(number)) for number in version_numbers(model)}
