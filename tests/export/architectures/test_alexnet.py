"""AlexNet in one tower."""

import torch
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.alexnet import AlexNet, AlexNetConfig, build
from torch import Tensor
from torch.nn import functional as F

SMALL = AlexNetConfig(filters=(8, 12, 16, 12, 10), hidden=(32, 24), num_classes=7)


def formula(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """Compute Krizhevsky's 2014 network from torchvision's keys, function by function."""

    def conv(x: Tensor, place: int, stride: int, padding: int) -> Tensor:
        key = f"features.{place}"
        return F.relu(F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], stride=stride, padding=padding))

    x = F.max_pool2d(conv(x, 0, 4, 2), 3, 2)
    x = F.max_pool2d(conv(x, 3, 1, 2), 3, 2)
    x = F.max_pool2d(conv(conv(conv(x, 6, 1, 1), 8, 1, 1), 10, 1, 1), 3, 2)
    x = F.adaptive_avg_pool2d(x, (6, 6)).flatten(1)  # torchvision's, which changes nothing at 224
    for place in (1, 4):
        x = F.relu(F.linear(x, state[f"classifier.{place}.weight"], state[f"classifier.{place}.bias"]))
    return F.linear(x, state["classifier.6.weight"], state["classifier.6.bias"])


def test_the_full_network_has_the_published_number_of_parameters() -> None:
    """torchvision's documentation gives 61,100,840 for its alexnet."""
    with torch.device("meta"):
        network = build({})
    assert sum(p.numel() for p in network.parameters()) == 61_100_840


def test_the_first_layer_has_64_filters_of_3_by_11_by_11() -> None:
    """As the lecture says."""
    with torch.device("meta"):
        assert build({}).state_dict()["features.0.weight"].shape == (64, 3, 11, 11)


def test_outputs_equal_the_formula() -> None:
    """A narrow one computes what the functions of PyTorch compute from the same state."""
    network = AlexNet(SMALL).eval()
    x = torch.randn(2, 3, 224, 224)
    with torch.inference_mode():
        assert torch.allclose(network(x), formula(network.state_dict(), x), atol=1e-6)


def test_sizes_are_read_from_the_checkpoint() -> None:
    """Filters, hidden features and classes come from the shapes."""
    assert build(AlexNet(SMALL).state_dict()).config == SMALL


def test_photos_are_cut_out_of_256() -> None:
    """The shorter side becomes 256, then the centre 224×224 is cut out, in ImageNet's mean and deviation."""
    p = ARCHITECTURES["alexnet"].blueprint(AlexNet(SMALL)).image_preprocessing
    assert p is not None
    assert (p.shorter_side, p.height, p.width) == (256, 224, 224)
    assert list(p.mean) == [0.485, 0.456, 0.406]
    assert list(p.std) == [0.229, 0.224, 0.225]
