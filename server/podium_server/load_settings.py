"""Reads the settings: flags before environment before file before defaults, every mistake named at once."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from podium_server.settings import Settings

PREFIX = "PODIUM_"
CONFIG_VARIABLE = "PODIUM_CONFIG"
# Variables that are not settings of the server: where they come from, and what callers' commands read.
_NO_SETTINGS = frozenset({CONFIG_VARIABLE, "PODIUM_ADDRESS", "PODIUM_TOKEN"})
# Kubernetes gives every container variables for each Service around it: PODIUM_SERVICE_HOST, PODIUM_PORT and
# PODIUM_PORT_8001_TCP_ADDR for one named "podium", PODIUM_GRPC_PORT=tcp://10.0.0.7:8001 for "podium-grpc".
_SERVICE_LINK = re.compile(r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$")
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://")


@dataclass(frozen=True, slots=True)
class _Given:
    """One value, as somebody gave it, and where: "flag --grpc-port"."""

    value: object
    origin: str
    on_command_line: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        text: names the setting, its value, where it came from, and what would be right.
        on_command_line: whether a flag has to change.
    """

    text: str
    on_command_line: bool


class SettingsError(Exception):
    """The settings are wrong; one line a mistake."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(problem.text for problem in problems))
        self.problems = tuple(problems)

    @property
    def on_command_line(self) -> bool:
        """Whether the command line itself is wrong, rather than the environment or a file."""
        return any(problem.on_command_line for problem in self.problems)


def load_settings(flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Read and check every setting.

    Args:
        flags: values by setting, as `grpc_port`; None where the flag was not given.
        environ: the environment. `PODIUM_GRPC_PORT` sets `grpc_port`; empty counts as not set.
        file: a TOML file with keys like `grpc-port`; None takes the one that `PODIUM_CONFIG` names, if any. Its
            relative paths are relative to its folder.

    Raises:
        SettingsError: with all mistakes of all sources.
    """
    problems: list[Problem] = []
    given: dict[str, _Given] = {}
    if file is not None:
        given |= _from_file(file, "flag --config", problems)
    elif environ.get(CONFIG_VARIABLE):
        given |= _from_file(Path(environ[CONFIG_VARIABLE]), f"environment {CONFIG_VARIABLE}", problems)
    given |= _from_environment(environ, problems)
    given |= {
        name: _Given(value, "REPOSITORY" if name == "repository" else f"flag {flag(name)}", on_command_line=True)
        for name, value in flags.items()
        if value is not None
    }
    settings = _validate(given, problems)
    if problems:
        raise SettingsError(problems)
    return settings


def spelling(name: str) -> str:
    """Return a setting's name as people write it: `grpc_port` is `grpc-port`."""
    return name.replace("_", "-")


def flag(name: str) -> str:
    """Return what sets a setting on the command line, `repository` apart."""
    return f"--{spelling(name)}"


def is_path(name: str) -> bool:
    """Whether a setting names a file or a folder."""
    return "Path" in str(Settings.model_fields[name].annotation)


def _from_environment(environ: Mapping[str, str], problems: list[Problem]) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in _NO_SETTINGS or not value:
            continue
        name = variable.removeprefix(PREFIX).lower()
        if _SERVICE_ADDRESS.match(value):
            continue
        if name in Settings.model_fields:
            given[name] = _Given(value, f"environment {variable}")
        elif not _SERVICE_LINK.search(variable.removeprefix(PREFIX)):
            known = [PREFIX + name.upper() for name in Settings.model_fields]
            problems.append(Problem(f"{variable}: {_unknown('variable', variable, known)}", False))
    return given


def _from_file(file: Path, origin: str, problems: list[Problem]) -> dict[str, _Given]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        text = f"config: {file} from {origin}: must be a readable TOML file: {reason}"
        problems.append(Problem(text, origin.startswith("flag ")))
        return {}
    given: dict[str, _Given] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in Settings.model_fields:
            known = [spelling(name) for name in Settings.model_fields]
            problems.append(Problem(f"{key} from file {file}: {_unknown('setting', key, known)}", False))
        elif name in given:
            problems.append(Problem(f"{spelling(name)} from file {file}: is set twice", False))
        else:
            beside = is_path(name) and isinstance(value, str)
            given[name] = _Given(file.parent / Path(value).expanduser() if beside else value, f"file {file}")
    return given


def _unknown(what: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"there is no such {what}; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}")


def _validate(given: Mapping[str, _Given], problems: list[Problem]) -> Settings:
    """Check each value, then all of them together; mistakes are added to `problems`."""
    values: dict[str, Any] = {name: each.value for name, each in given.items()}
    wrong: set[str] = set()
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        for detail in error.errors():
            name = str(detail["loc"][0])
            if name not in wrong:
                problems.append(_explain(name, given.get(name), detail["type"], detail["msg"]))
            wrong.add(name)
        # The others are checked together all the same, with some folder for the one that has no default.
        others = {name: value for name, value in values.items() if name not in wrong}
        settings = Settings.model_validate({"repository": Path(__file__).parent, **others})
    problems.extend(_together(settings, given, wrong))
    return settings


def _explain(name: str, given: _Given | None, kind: str, message: str) -> Problem:
    if given is None:
        return Problem(f"{spelling(name)}: must be given: podium serve REPOSITORY", True)
    extra = Settings.model_fields[name].json_schema_extra
    must = extra.get("must") if isinstance(extra, dict) else ""
    words = message.removeprefix("Value error, ") if kind == "value_error" else "must be text"
    what = f"must be {must}" if must else words
    value = str(given.value).lower() if isinstance(given.value, bool) else given.value
    return Problem(f"{spelling(name)}: {value} from {given.origin}: {what}", given.on_command_line)


def _together(settings: Settings, given: Mapping[str, _Given], wrong: Set[str]) -> Iterator[Problem]:
    """Yield what is wrong between settings that are right alone."""

    def clash(first: str, second: str, what: str) -> Iterator[Problem]:
        pair = [name for name in (first, second) if getattr(settings, name) is not None]
        if first not in wrong and second not in wrong:
            origins = {name: given[name].origin if name in given else "default" for name in pair}
            says = (f"{spelling(name)}: {getattr(settings, name)} from {origins[name]}" for name in pair)
            yield Problem(
                f"{', '.join(says)}: {what}", any(name in given and given[name].on_command_line for name in pair)
            )

    if settings.grpc_port == settings.http_port != 0:
        yield from clash("grpc_port", "http_port", "must differ; 0 takes any free port")
    if (settings.sessions is None) != (settings.threads is None):
        yield from clash("sessions", "threads", "sessions and threads must both be set, or neither")
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        yield from clash("tls_certificate", "tls_key", "tls-certificate and tls-key must both be set, or neither")
    if settings.tls_client_ca is not None and settings.tls_certificate is None:
        what = "tls-certificate and tls-key must be set too: without TLS nobody shows a certificate"
        yield from clash("tls_client_ca", "tls_certificate", what)
    room = settings.max_request_memory_bytes
    if room is not None and room // settings.workers < settings.max_message_bytes:
        first = "the first" if settings.workers == 1 else f"a worker's share of the first, {room // settings.workers}"
        what = f"the second must be at most {first}, or such a message could never be admitted"
        yield from clash("max_request_memory_bytes", "max_message_bytes", what)
    if settings.max_images_per_request > settings.queue_rows:
        what = "the first must be at most the second, or such a call could never be admitted"
        yield from clash("max_images_per_request", "queue_rows", what)
