"""EfficientNet-Lite0 against the package that the weights were made for."""

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.efficientnet_lite0 import SameConv2d, build
from torch import nn
from torch.nn import functional as F


@pytest.fixture(scope="module")
def reference() -> nn.Module:
    """Give the reference network with statistics as after training; fresh ones would hide a wrong order."""
    torch.manual_seed(0)
    network: nn.Module = EfficientNet.from_name("efficientnet-lite0")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            size = module.num_features
            module.weight.data = torch.rand(size) + 0.5
            module.bias.data = torch.randn(size) * 0.1
            module.running_mean = torch.randn(size) * 0.1
            module.running_var = torch.rand(size) + 0.5
    return network.eval()


def test_outputs_equal_the_reference_packages(reference: nn.Module) -> None:
    """The same state gives the same logits."""
    network = build(reference.state_dict())
    network.load_state_dict(reference.state_dict())
    network.eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        expected = reference(x)
        assert torch.allclose(network(x), expected, atol=1e-5 * float(expected.abs().max()))


def test_keys_are_those_of_the_published_weights(reference: nn.Module) -> None:
    """So the published file loads strictly: 296 keys, 4.65 million parameters."""
    network = build({})
    assert set(network.state_dict()) == set(reference.state_dict())
    assert len(network.state_dict()) == 296
    assert sum(p.numel() for p in network.parameters()) == sum(p.numel() for p in reference.parameters())


@pytest.mark.parametrize("side", [224, 113, 57, 7])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_same_padding_keeps_the_rounded_up_side(side: int, kernel: int, stride: int) -> None:
    """TensorFlow's rule: the output side is ⌈side / stride⌉, and an odd pixel of padding lies at the end."""
    conv = SameConv2d(1, 1, kernel, stride)
    x = torch.randn(1, 1, side, side)
    side_out = -(-side // stride)
    total = max((side_out - 1) * stride + kernel - side, 0)
    padded = F.pad(x, (total // 2, (total + 1) // 2, total // 2, (total + 1) // 2))
    y = conv(x)
    assert y.shape[-2:] == (side_out, side_out)
    assert torch.equal(y, F.conv2d(padded, conv.weight, stride=stride))


def test_the_number_of_classes_is_read_from_the_checkpoint() -> None:
    """A network tuned to other classes has another last layer."""
    assert build({"_fc.weight": torch.zeros(7, 1280)}).state_dict()["_fc.weight"].shape == (7, 1280)


def test_photos_are_cropped_as_in_tensorflow() -> None:
    """Its evaluation cuts out 224/256 of the shorter side, resizes by cubic filter, and takes (x − 127) / 128."""
    p = ARCHITECTURES["efficientnet-lite0"].blueprint(build({})).image_preprocessing
    assert p is not None
    assert p.crop_fraction == 0.875
    assert (p.rescale, set(p.mean), set(p.std)) == (1.0, {127.0}, {128.0})
