"""The published LeNet-5 at 32×32."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.lenet5_32 import build
from torch.nn import functional as F


def test_the_published_checkpoint_reads_digits(published: Path) -> None:
    """Its data's README states 99.6 % on the 5000 digits, stretched bilinearly from 28 to 32."""
    state = torch.load(published / "lenet5-mnist.pth", map_location="cpu", weights_only=True)
    network = build(state)
    network.load_state_dict(state)
    with np.load(published / "mnist-5000.npz") as digits:
        images = torch.from_numpy(digits["images"]).float()[:, None] / 255
        labels = torch.from_numpy(digits["labels"])
    with torch.inference_mode():
        scores = network(F.interpolate(images, size=(32, 32), mode="bilinear"))
    assert float((scores.argmax(dim=1) == labels).double().mean()) == pytest.approx(0.996, abs=5e-4)


def test_outputs_are_log_probabilities() -> None:
    """The exponentials of each row add up to one."""
    scores = build({})(torch.rand(4, 1, 32, 32))
    assert torch.allclose(scores.exp().sum(dim=1), torch.ones(4))


def test_the_third_convolution_sees_all_that_is_left() -> None:
    """C5 maps 5×5 to 1×1, as in figure 2 of the paper."""
    features = build({}).convnet(torch.rand(2, 1, 32, 32))
    assert features.shape == (2, 120, 1, 1)


def test_the_input_is_32_by_32() -> None:
    """A picture is stretched to the network's size."""
    blueprint = ARCHITECTURES["lenet5-32"].blueprint(build({}))
    assert blueprint.graphs[0].inputs[0].shape == ("batch", 1, 32, 32)
