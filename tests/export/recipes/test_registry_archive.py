"""Files out of archives of the registries."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from podium_export.recipes.registry_archive import RegistryArchive, from_npm, from_pip
from podium_export.recipes.registry_package import FetchError

FILES = {"package/a/one.txt": b"one", "package/a/two.txt": b"two", "package/b/three.txt": b"three"}


def packed(files: dict[str, bytes]) -> bytes:
    """Pack files as the registries do."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


CONTENT = packed(FILES)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def delivered(_archive: RegistryArchive, folder: Path) -> None:
    """Bring the archive as a registry would."""
    (folder / "whatever-1.0.tgz").write_bytes(CONTENT)


def out_of_reach(_archive: RegistryArchive, _folder: Path) -> None:
    """Bring nothing."""
    raise FetchError("the registry cannot be reached")


ARCHIVE = RegistryArchive("@scope/name", "1.0", DIGEST, delivered)


def test_the_wanted_files_are_read(tmp_path: Path) -> None:
    """Those whose paths are wanted, whole, and no others; a package's scope makes no folder."""
    assert ARCHIVE.files(lambda path: path.startswith("package/a/"), tmp_path) == {
        "package/a/one.txt": b"one",
        "package/a/two.txt": b"two",
    }
    assert [file.name for file in (tmp_path / "archives").iterdir()] == ["@scope-name-1.0.tar.gz"]


def test_what_was_fetched_before_serves(tmp_path: Path) -> None:
    """Without the registry."""
    file = ARCHIVE.locate(tmp_path)
    assert RegistryArchive("@scope/name", "1.0", DIGEST, out_of_reach).locate(tmp_path) == file


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    """Its digest is compared each time."""
    ARCHIVE.locate(tmp_path).write_bytes(packed({"package/a/one.txt": b"won"}))
    with pytest.raises(FetchError, match=r"its SHA-256 is .* it is damaged or not the published file"):
        ARCHIVE.files(lambda _path: True, tmp_path)


def test_an_archive_without_the_files_is_refused(tmp_path: Path) -> None:
    """Nothing found is not nothing wanted."""
    with pytest.raises(FetchError, match=r"@scope/name 1\.0: holds none of the files"):
        ARCHIVE.files(lambda path: path.endswith(".png"), tmp_path)


def test_what_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    """The next try begins anew."""
    with pytest.raises(FetchError, match="cannot be reached"):
        RegistryArchive("name", "1.0", DIGEST, out_of_reach).locate(tmp_path)
    assert list((tmp_path / "archives").iterdir()) == []


def test_pip_out_of_reach_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the package and pip's own reason."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(FetchError, match=r"podium-test-package 1\.0: cannot be fetched .* No matching distribution"):
        RegistryArchive("podium-test-package", "1.0", DIGEST, from_pip).locate(tmp_path)


def test_npm_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="install npm"):
        RegistryArchive("podium-test-package", "1.0", DIGEST, from_npm).locate(tmp_path)
