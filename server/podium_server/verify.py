"""`podium verify`: replays a package as the server would, without serving it."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import click

from podium_server.errors import PodiumError
from podium_server.generation.described import describe
from podium_server.generation.step_compiler import compile_step
from podium_server.model_ref import is_version
from podium_server.package import MANIFEST, PackageError, read_package
from podium_server.replay import replay
from podium_server.runtime.devices import AUTO
from podium_server.signature_match import check_signature, state_names

Providers: TypeAlias = tuple[tuple[str, Mapping[str, str]], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one version folder.

    Attributes:
        path: the folder.
        ok: whether a server would serve it.
        detail: what was checked, or why it must not be served.
    """

    path: str
    ok: bool
    detail: str


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--device", default=AUTO, show_default=True, help="Where the golden examples run, as for podium serve.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
def verify(path: Path, device: str, as_json: bool) -> None:
    """Check digests and replay the golden examples of PATH.

    PATH is a version folder, a model's folder, or a whole repository. The exit status is 1 when any version would not
    be served.
    """
    folders = list(version_folders(path))
    if not folders:
        raise click.ClickException(
            f"{path}: no version folder here: expected MODEL/VERSION/{MANIFEST} or an .onnx file"
        )
    providers = _providers(device)
    verdicts = [_verify(folder, providers) for folder in folders]
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(verdict) for verdict in verdicts], indent=2))
    else:
        for verdict in verdicts:
            mark = click.style("ok", fg="green") if verdict.ok else click.style("FAILED", fg="red")
            click.echo(f"{mark}  {verdict.path}: {verdict.detail}")
    sys.exit(0 if all(verdict.ok for verdict in verdicts) else 1)


def version_folders(path: Path) -> Iterator[Path]:
    """Find the version folders at or below a path: itself, its versions, or its models' versions."""
    if (path / MANIFEST).exists() or any(path.glob("*.onnx")):
        yield path
        return
    for pattern in ("*", "*/*"):
        for folder in sorted(path.glob(pattern)):
            visible = not any(part.startswith(".") for part in folder.relative_to(path).parts)
            if visible and folder.is_dir() and is_version(folder.name):
                yield folder


def _providers(device: str) -> Providers:
    """Find the device, once for all versions: none of them is at fault when it is not there."""
    from podium_server.runtime.probe import DeviceUnavailable, choose_device

    try:
        return choose_device(device).device.providers
    except ValueError as error:
        raise click.UsageError(f"--device {device}: {error}") from error
    except DeviceUnavailable as error:
        raise click.ClickException(f"--{error}") from error


def _verify(folder: Path, providers: Providers) -> Verdict:
    """Check one version folder."""
    from podium_server.runtime.session import Session
    from podium_server.services.tasks import check_package

    try:
        package = read_package(folder)
        sessions = {}
        for graph in package.manifest.graphs:
            session = Session(package.graph_path(graph), providers=providers, num_threads=1)
            states = state_names(package.manifest, graph)
            signature = check_signature(graph, session.signature, states) if package.checked else session.signature
            sessions[graph.name] = session, signature
        provider = next(iter(sessions.values()))[0].provider
        if not package.checked:
            return Verdict(str(folder), True, f"loads on {provider}; it has no {MANIFEST}, so nothing vouches for it")
        if describe(package.manifest) is not None:
            compile_step(package.manifest)
        count = replay(package.golden(), sessions, package.manifest.parity)
        check_package(package, sessions)
    except (PackageError, PodiumError, ValueError, OSError) as error:
        return Verdict(str(folder), False, str(error))
    files, examples = _counted(len(package.manifest.files), "file"), _counted(count, "golden example")
    return Verdict(str(folder), True, f"{files} as published; agrees with {examples} on {provider}")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
