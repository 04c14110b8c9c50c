"""`MODEL/serving.json`: what an operator decided for one model, kept with the model.

{
  "versions": "latest:2",
  "aliases": {
    "default": {"version": 3},
    "stable": {
      "version": 3,
      "canary": {"version": 4, "percent": 10},
      "shadow": {"version": 5, "percent": 100}
    }
  }
}

Every field may be absent. The file is written beside and renamed into place, so that whoever reads it sees the old one
or the new one, and it is on the disk before a call that changes it is answered.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from podium_server.model_ref import ALIAS, ALIAS_RULE, MAX_VERSION
from podium_server.versions.policy import Policy, parse_policy
from podium_server.versions.route import Route, Share

SERVING = "serving.json"
_MOST_BYTES = 2**20


class ServingFileError(Exception):
    """The file is not what it should be; the message names the field, what is wrong, what would be right."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What was decided for a model.

    Attributes:
        versions: which of them are served; None for what the server's setting says.
        aliases: where calls go, by alias; "default" is what the bare name means.
    """

    versions: Policy | None = None
    aliases: Mapping[str, Route] = field(default_factory=dict[str, Route])

    @property
    def targets(self) -> set[int]:
        """Every version that some alias needs."""
        return {version for route in self.aliases.values() for version in route.targets}


def read_serving(folder: Path) -> Serving:
    """Read a model's file; without one nothing was decided.

    Raises:
        ServingFileError: it cannot be read, or is no such file.
    """
    path = folder / SERVING
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ServingFileError(f"{SERVING} has more than {_MOST_BYTES} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # a stray file of the repository is no model
        return Serving()
    except OSError as error:
        raise ServingFileError(f"{SERVING} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ServingFileError(f"{SERVING} is not JSON: {error}") from error
    fields = _object(content, SERVING, {"versions", "aliases"})
    try:
        policy = parse_policy(fields["versions"]) if "versions" in fields else None
    except ValueError as error:
        raise ServingFileError(f"{SERVING}: `versions` is {fields['versions']!r}: {error}") from error
    aliases = _object(fields.get("aliases", {}), "`aliases`")
    for alias in aliases:
        if not ALIAS.fullmatch(alias):
            raise ServingFileError(f"{SERVING}: `aliases` names {alias[:200]!r}: {ALIAS_RULE}")
    return Serving(policy, {alias: _route(aliases[alias], f"aliases.{alias}") for alias in sorted(aliases)})


def write_serving(folder: Path, serving: Serving) -> None:
    """Write a model's file: whole, or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    content: dict[str, Any] = {} if serving.versions is None else {"versions": str(serving.versions)}
    content["aliases"] = {alias: _plain(route) for alias, route in sorted(serving.aliases.items())}
    descriptor, name = tempfile.mkstemp(prefix=f".{SERVING}-", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(content, indent=2) + "\n")
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(folder / SERVING)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _flush(folder)


def _flush(folder: Path) -> None:
    """Bring the rename to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(route: Route) -> dict[str, Any]:
    plain: dict[str, Any] = {"version": route.version}
    for name, share in (("canary", route.canary), ("shadow", route.shadow)):
        if share is not None:
            plain[name] = {"version": share.version, "percent": share.percent}
    return plain


def _route(value: object, where: str) -> Route:
    fields = _object(value, f"`{where}`", {"version", "canary", "shadow"})
    return Route(
        _version(fields, where),
        _share(fields["canary"], f"{where}.canary") if "canary" in fields else None,
        _share(fields["shadow"], f"{where}.shadow") if "shadow" in fields else None,
    )


def _share(value: object, where: str) -> Share:
    fields = _object(value, f"`{where}`", {"version", "percent"})
    percent = fields.get("percent")
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 < percent <= 100:
        raise ServingFileError(f"{SERVING}: `{where}.percent` is {percent!r}: give a number above 0, at most 100")
    return Share(_version(fields, where), float(percent))


def _version(fields: Mapping[str, object], where: str) -> int:
    version = fields.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version <= MAX_VERSION:
        raise ServingFileError(f"{SERVING}: `{where}.version` is {version!r}: versions are integers of 1 or more")
    return version


def _object(value: object, where: str, known: set[str] | None = None) -> dict[str, Any]:
    """Take a JSON object with no fields but the known ones."""
    if not isinstance(value, dict):
        raise ServingFileError(f"{SERVING}: {where} is {type(value).__name__}; it must be an object, {{…}}")
    fields = cast("dict[str, Any]", value)
    unknown = set(fields) - known if known is not None else set[str]()
    if unknown:
        there_are = ", ".join(sorted(known or ()))
        raise ServingFileError(f"{SERVING}: {where} has a field {min(unknown)!r}; there are {there_are}")
    return fields
