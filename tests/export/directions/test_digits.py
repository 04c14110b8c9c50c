"""From one digit to another in the published VAE."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from podium_export.directions.direction import METHODS
from podium_export.directions.finding import Wanted, find_direction
from podium_export.progress import Silence

from tests.export.architectures.halves import run_graph
from tests.export.published import digits, export_published, read_digits


@pytest.fixture(scope="module")
def digits_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the VAE."""
    repository = tmp_path_factory.mktemp("models")
    export_published("vae-mnist-mlp", "vae-gan/vae-mnist-mlp.pth", repository)
    return repository


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The ones and the zeros of the README's digits, as PNG files."""
    known, root = digits(), tmp_path_factory.mktemp("digits")
    for digit in (0, 1):
        (root / str(digit)).mkdir()
        for number, image in enumerate(known.images[known.labels == digit]):
            Image.fromarray((image[0] * 255).round().byte().numpy()).save(root / str(digit) / f"{number:03}.png")
    return root / "1", root / "0"


@pytest.mark.parametrize("method", METHODS)
def test_zeros_become_ones(digits_repository: Path, folders: tuple[Path, Path], method: str) -> None:
    """Held-out digits are told apart, and half beyond the mean of the ones most zeros are read as ones."""
    wanted = Wanted(f"one by {method}", *folders, method)
    found = find_direction(digits_repository, "vae-mnist-mlp", wanted, Silence())
    assert found.direction.num_held_out == 332
    assert found.direction.held_out_accuracy >= 0.95
    known = digits()
    zeros = known.images[known.labels == 0]
    mean = run_graph(found.path, "encoder", image=zeros)["mean"]
    way = np.array(found.direction.values, np.float32)
    for strength, read, least in ((0.0, 0, 0.95), (1.0, 1, 0.5), (1.5, 1, 0.9)):
        moved = run_graph(found.path, "decoder", latent=mean + strength * way)["image"]
        assert (read_digits(torch.tensor(moved)).argmax(dim=1) == read).float().mean() >= least
