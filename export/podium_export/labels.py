"""Reads a classifier's class names: a text file with one a line, or JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium_export.errors import LabelsError


def read_labels(path: Path) -> tuple[str, ...]:
    """Read the names in the order of their class.

    A text file holds one name a line. JSON is a list of names, a list of objects with "name" and optionally
    "index", or an object from index to name.

    Raises:
        LabelsError: the file is not one of these, or a name is empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelsError(f"--labels {path}: cannot be read as text: {error}") from error
    looks_like_json = path.suffix == ".json" or text.lstrip().startswith(("[", "{"))
    names = _from_json(path, text) if looks_like_json else text.rstrip("\r\n").splitlines()
    labels = tuple(name.strip() for name in names)
    for place, label in enumerate(labels):
        if not label:
            where = f"class {place}" if looks_like_json else f"line {place + 1} (class {place})"
            raise LabelsError(f"--labels {path}: {where} is empty: every class needs a name")
    return labels


def check_count(labels: tuple[str, ...], num_classes: int) -> None:
    """Compare the number of names, when there are any, with the number of classes.

    Raises:
        LabelsError: they differ.
    """
    if labels and len(labels) != num_classes:
        raise LabelsError(
            f"labels: {len(labels)} names for {num_classes} classes: give exactly one name a class, in the order of "
            "the network's output"
        )


def _from_json(path: Path, text: str) -> list[str]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabelsError(f"--labels {path}: not JSON: {error}") from error
    if isinstance(content, Mapping):
        return _by_index(path, [{"index": index, "name": name} for index, name in content.items()])
    if isinstance(content, list) and content:
        if all(isinstance(item, str) for item in content):
            return content
        if all(isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in content):
            return _by_index(path, content)
    raise LabelsError(
        f'--labels {path}: must be a list of names, a list of objects with "index" and "name", or an object from '
        "index to name"
    )


def _by_index(path: Path, items: list[Any]) -> list[str]:
    """Order objects by their index; without any, as they come."""
    if not any("index" in item for item in items):
        return [item["name"] for item in items]
    try:
        names = {int(item["index"]): str(item["name"]) for item in items}
    except (KeyError, TypeError, ValueError) as error:
        raise LabelsError(f'--labels {path}: an index is missing or no number; JSON may be {{"0": "cat"}}') from error
    if sorted(names) != list(range(len(items))):
        raise LabelsError(f"--labels {path}: the indices must be 0 to {len(items) - 1}, each once")
    return [names[index] for index in range(len(items))]
