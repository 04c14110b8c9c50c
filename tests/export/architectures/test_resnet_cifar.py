"""The ResNets for CIFAR."""

from pathlib import Path

import pytest
import torch
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.resnet_cifar import BasicBlock, ResNetCifar, ResNetCifarConfig, build
from torch import Tensor, nn
from torch.nn import functional as F


def formula(state: dict[str, Tensor], x: Tensor, num_blocks: int) -> Tensor:
    """Compute the network of the paper's section 4.2 from its state, function by function."""

    def conv_norm(x: Tensor, conv: str, norm: str, stride: int = 1) -> Tensor:
        x = F.conv2d(x, state[f"{conv}.weight"], stride=stride, padding=1)
        mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
        return F.batch_norm(x, mean, var, state[f"{norm}.weight"], state[f"{norm}.bias"])

    x = F.relu(conv_norm(x, "conv1", "bn1"))
    for stage in (1, 2, 3):
        for block in range(num_blocks):
            key = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            h = F.relu(conv_norm(x, f"{key}.conv1", f"{key}.bn1", stride))
            h = conv_norm(h, f"{key}.conv2", f"{key}.bn2")
            if stride == 2:
                quarter = x.shape[1] // 2
                zeros = torch.zeros(len(x), quarter, *h.shape[2:])
                x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
            x = F.relu(h + x)
    return F.linear(F.avg_pool2d(x, x.shape[-1]).flatten(1), state["linear.weight"], state["linear.bias"])


def trained_looking(network: ResNetCifar) -> ResNetCifar:
    """Give the normalisations statistics as after training; fresh ones would hide a wrong order."""
    chance = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            size = module.num_features
            module.weight.data = torch.rand(size, generator=chance) + 0.5
            module.bias.data = torch.randn(size, generator=chance) * 0.1
            module.running_mean = torch.randn(size, generator=chance) * 0.1
            module.running_var = torch.rand(size, generator=chance) + 0.5
    return network.eval()


@pytest.mark.parametrize("num_blocks", [1, 3])
def test_outputs_equal_the_formula(num_blocks: int) -> None:
    """The modules compute what the functions of PyTorch compute from the same state."""
    network = trained_looking(ResNetCifar(ResNetCifarConfig(num_blocks)))
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(network(x), formula(network.state_dict(), x, num_blocks), atol=1e-5)


@pytest.mark.parametrize(("num_blocks", "millions"), [(3, 0.27), (5, 0.46), (7, 0.66), (9, 0.85), (18, 1.7)])
def test_depths_have_the_papers_number_of_parameters(num_blocks: int, millions: float) -> None:
    """Table 6 of the paper, for depths 20 to 110."""
    network = ResNetCifar(ResNetCifarConfig(num_blocks))
    count = sum(p.numel() for p in network.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.05 if millions > 1 else 0.005)


def test_the_published_checkpoint_loads(published: Path) -> None:
    """Its keys, without DataParallel's prefix, are the network's; depth 20 is read from them."""
    content = torch.load(published / "resnet20-cifar10-12fca82f.th", map_location="cpu", weights_only=True)
    state = {key.removeprefix("module."): tensor for key, tensor in content["state_dict"].items()}
    network = build(state)
    assert network.config.depth == 20
    assert network.load_state_dict(state) is not None
    x = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(network.eval()(x), formula(state, x, 3), atol=1e-4)


def test_the_shortcut_has_no_parameters() -> None:
    """Option A: every other pixel, zeros for the channels that are new."""
    block = BasicBlock(2, 4, stride=2)
    x = torch.arange(2 * 4 * 4.0).reshape(1, 2, 4, 4)
    carried = block.shortcut(x)
    assert torch.equal(carried[:, 1:3], x[:, :, ::2, ::2])
    assert not carried[:, [0, 3]].any()


def test_classes_are_those_of_cifar_10() -> None:
    """Ten outputs get CIFAR-10's names; another number gets none."""
    ten = ARCHITECTURES["resnet20-cifar"].blueprint(ResNetCifar(ResNetCifarConfig()))
    hundred = ARCHITECTURES["resnet20-cifar"].blueprint(ResNetCifar(ResNetCifarConfig(num_classes=100)))
    assert (ten.labels[0], ten.labels[9], hundred.labels) == ("airplane", "truck", ())
