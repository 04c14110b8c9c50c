"""What tests of the export share."""

from pathlib import Path

import pytest

from tests.export.networks import DATA


@pytest.fixture
def data() -> Path:
    """The folder of real checkpoints; the test is skipped where there is none."""
    if not DATA.is_dir():
        pytest.skip("needs the real checkpoints of ../shared/data")
    return DATA


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that does not exist yet."""
    return tmp_path / "models"
