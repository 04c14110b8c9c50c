"""What the tests of the networks share."""

from pathlib import Path

import pytest


@pytest.fixture
def published() -> Path:
    """Give the folder of published checkpoints."""
    folder = Path(__file__).parents[4] / "shared" / "data" / "image-classification"
    if not folder.is_dir():
        pytest.skip("the published checkpoints are not here: ../shared/data/image-classification")
    return folder
