"""The lecture's LeNet-5."""

import pytest
import torch
from podium.v1 import image_pb2
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.lenet5 import LeNet5, build
from torch import Tensor, nn
from torch.nn import functional as F


def lecture_net(padding: int = 2, flat: int = 2450) -> nn.Sequential:
    """Write the lecture's table down once more, in PyTorch's own layers."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5, padding=padding),
        nn.ReLU(),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(20, 50, 5, padding=padding),
        nn.ReLU(),
        nn.MaxPool2d(2, 2),
        nn.Flatten(),
        nn.Linear(flat, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )


def renamed(state: dict[str, Tensor], names: tuple[str, str, str, str]) -> dict[str, Tensor]:
    """Call the four layers of `lecture_net` something else."""
    new: dict[str, str] = dict(zip(("0", "3", "7", "9"), names, strict=True))
    return {f"{new[key.split('.')[0]]}.{key.split('.')[1]}": tensor for key, tensor in state.items()}


def test_weights_have_the_lectures_sizes() -> None:
    """Without a checkpoint to read sizes from, the weights are those of the lecture's table."""
    state = build({}).state_dict()
    sizes = {key: tuple(tensor.shape) for key, tensor in state.items() if key.endswith("weight")}
    assert sizes == {
        "conv1.weight": (20, 1, 5, 5),
        "conv2.weight": (50, 20, 5, 5),
        "fc1.weight": (500, 2450),
        "fc2.weight": (10, 500),
    }


@pytest.mark.parametrize(
    "names",
    [
        ("conv1", "conv2", "fc1", "fc2"),
        ("0", "3", "7", "9"),
        ("features.0", "features.3", "classifier.1", "classifier.3"),
        ("c2", "c1", "z", "a"),
    ],
)
def test_any_names_of_the_four_layers_load(names: tuple[str, str, str, str]) -> None:
    """Whatever a checkpoint calls the layers, and in whatever order, the outputs are those of the lecture's layers."""
    reference = lecture_net()
    state = dict(sorted(renamed(reference.state_dict(), names).items()))
    network = build(state)
    network.load_state_dict(state)
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(network(x), reference(x))


def test_caffes_lenet_without_padding_loads() -> None:
    """With 800 features left for the first linear layer there was no padding, and none is made."""
    reference = lecture_net(padding=0, flat=800)
    network = build(reference.state_dict())
    network.load_state_dict(reference.state_dict())
    x = torch.rand(2, 1, 28, 28)
    assert torch.equal(network(x), reference(x))


def test_sizes_are_read_from_the_checkpoint() -> None:
    """Another number of filters, features and classes is taken from the shapes."""
    state = {
        "conv1.weight": torch.zeros(6, 1, 3, 3),
        "conv2.weight": torch.zeros(16, 6, 3, 3),
        "fc1.weight": torch.zeros(84, 16 * 49),
        "fc2.weight": torch.zeros(26, 84),
    }
    network = build(state)
    assert {k: v.shape for k, v in network.state_dict().items() if k in state} == {k: v.shape for k, v in state.items()}


def test_a_network_of_another_kind_leaves_the_usual_sizes() -> None:
    """A checkpoint that is none of LeNet's gives the lecture's sizes to compare it with, not a crash."""
    network = build({"a.weight": torch.zeros(3), "b.weight": torch.zeros(1, 2)})
    assert network.state_dict()["fc1.weight"].shape == (500, 2450)


def test_pictures_are_grey_28_by_28_between_0_and_1() -> None:
    """The blueprint states the preprocessing that the recipe and MNIST's users train with."""
    blueprint = ARCHITECTURES["lenet5"].blueprint(build({}))
    p = blueprint.image_preprocessing
    assert p is not None
    assert (p.height, p.width, p.color_mode) == (28, 28, image_pb2.COLOR_MODE_GRAY)
    assert p.rescale == pytest.approx(1 / 255)
    assert blueprint.graphs[0].inputs[0].shape == ("batch", 1, 28, 28)
    assert blueprint.labels == tuple("0123456789")


def test_it_learns_by_gradients() -> None:
    """Every weight takes part in the answer: none has a zero gradient everywhere."""
    network = LeNet5(build({}).config)
    F.cross_entropy(network(torch.rand(8, 1, 28, 28)), torch.arange(8)).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
