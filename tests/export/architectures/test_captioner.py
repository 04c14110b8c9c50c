"""Captioners: packages of small ones beside the papers' formulas."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures import alexnet, classifiers, efficientnet_lite0, lenet5, lenet5_32, resnet_cifar
from podium_export.architectures.captioner import Captioner, CaptionerConfig, blueprint, build
from podium_export.architectures.layers import Kind, Layer
from podium_export.architectures.picture_trunk import ClassifierTrunk, SmallTrunk, Trunk, read_trunk
from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from podium_export.assembling import Published, Source
from podium_export.errors import CheckpointError
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import nn

from tests.export.architectures.halves import run_graph
from tests.export.architectures.luong import attentional_logits

TOKENS, CELL_SIZE, BATCH = 17, 20, 4

GREY = SmallTrunk((Layer("0", Kind.DOWN, 1, 8, 5), Layer("2", Kind.DOWN, 8, 12, 3, bias=False)))
"""Two convolutions over grey pictures: a quarter of the side is left."""


def config_of(trunk: Trunk, side: int, cell: Cell, memory_size: int | None) -> CaptionerConfig:
    """Give the sizes of a captioner, with attention where there is a memory."""
    return CaptionerConfig(trunk, side, CELL_SIZE, DecoderConfig(TOKENS, RecurrentConfig(cell, 7, 11), memory_size))


PLAIN = config_of(GREY, 20, Cell.GRU, None)
ATTENTIVE = config_of(SmallTrunk(), 48, Cell.LSTM, CELL_SIZE)
CLASSIFIERS = {
    "lenet5": (ClassifierTrunk("lenet5", lenet5.LeNet5Config(filters1=4, filters2=6)), 28),
    "lenet5-32": (ClassifierTrunk("lenet5-32", lenet5_32.LeNet5At32Config(c5=24)), 40),
    "alexnet": (ClassifierTrunk("alexnet", alexnet.AlexNetConfig(filters=(8, 12, 16, 12, 10))), 96),
    "resnet20-cifar": (ClassifierTrunk("resnet20-cifar", resnet_cifar.ResNetCifarConfig(num_blocks=2, width=4)), 32),
    "efficientnet-lite0": (ClassifierTrunk("efficientnet-lite0", efficientnet_lite0.EfficientNetLite0Config()), 64),
}
"""Each with the side of the pictures: those that it was made for, or others that leave several cells."""
CONFIGS = {"plain": PLAIN, "attentive": ATTENTIVE} | {
    f"{name}{', attentive' if memory_size else ''}": config_of(trunk, side, Cell.LSTM, memory_size)
    for name, (trunk, side) in CLASSIFIERS.items()
    for memory_size in (None, CELL_SIZE)
}


def export(config: CaptionerConfig, repository: Path) -> tuple[Captioner, Published]:
    """Make a captioner of random weights, read it from its own state as from a checkpoint, and export it."""
    torch.manual_seed(0)
    state = Captioner(config).state_dict()
    network = build(state)
    network.load_state_dict(state)
    network.eval()
    return network, export_network(blueprint(network), Source("captioner"), Destination(repository, "small"))


def pictures_for(config: CaptionerConfig) -> torch.Tensor:
    """Draw a batch of a size that export does not try."""
    return torch.rand(BATCH, config.trunk.channels, config.side, config.side)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_size_is_read_from_the_checkpoint(config: CaptionerConfig) -> None:
    """Trunk, side of the pictures, cells, attention and recurrent layers."""
    assert build(Captioner(config).state_dict()).config == config


# Ten seconds each: a classifier's trunk before a decoder without attention, which `plain` has, waits for the long form.
@pytest.mark.parametrize(
    "config",
    [
        pytest.param(config, id=name, marks=[pytest.mark.slow] if name in CLASSIFIERS else [])
        for name, config in CONFIGS.items()
    ],
)
def test_steps_write_what_training_sees(config: CaptionerConfig, repository: Path) -> None:
    """The two graphs, word by word, give the logits of the whole network at each place."""
    network, published = export(config, repository)
    pictures, caption = pictures_for(config), torch.randint(0, TOKENS, (BATCH, 6))
    with torch.inference_mode():
        expected = network(pictures, caption)
    inputs = dict(run_graph(published.path, "encoder", image=pictures))
    for place in range(caption.shape[1]):
        outputs = run_graph(published.path, "step", token=caption[:, place : place + 1], **inputs)
        np.testing.assert_allclose(outputs["logits"], expected[:, place], atol=1e-5)
        inputs |= {name.removeprefix("next_"): array for name, array in outputs.items() if name != "logits"}


def test_first_states_are_of_the_mean_cell(repository: Path) -> None:
    """Show, Attend and Tell, section 3.1.2: a layer each makes h and c of the mean over the cells."""
    network, published = export(ATTENTIVE, repository)
    encoded = run_graph(published.path, "encoder", image=pictures_for(ATTENTIVE))
    mean = torch.tensor(encoded["cells"]).mean(dim=1)
    for name in ("h_0", "c_0"):
        weight, bias = (network.get_parameter(f"bridge.{name}.{key}") for key in ("weight", "bias"))
        np.testing.assert_allclose(encoded[name], torch.tanh(mean @ weight.T + bias).detach(), atol=1e-6)


def test_attention_is_luongs_over_the_cells(repository: Path) -> None:
    """The 36 cells of a picture of 48 pixels are the memory."""
    network, published = export(ATTENTIVE, repository)
    encoded = run_graph(published.path, "encoder", image=pictures_for(ATTENTIVE))
    outputs = run_graph(published.path, "step", token=np.full((BATCH, 1), 3), **encoded)
    assert encoded["cells"].shape == (BATCH, 36, CELL_SIZE)
    for row in range(BATCH):
        expected = attentional_logits(network, outputs["next_h_0"][row], encoded["cells"][row])
        np.testing.assert_allclose(outputs["logits"][row], expected, atol=1e-5)


def scored(name: str, classifier: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Do with a feature map what the classifier does with it."""
    layer = classifier.get_submodule
    scores: torch.Tensor
    match name:
        case "lenet5":
            scores = layer("fc2")(layer("fc1")(features.flatten(1)).relu())
        case "lenet5-32":
            scores = layer("fc")(features.flatten(1))
        case "alexnet":
            scores = layer("classifier")(features.flatten(1))
        case "resnet20-cifar":
            scores = layer("linear")(features.mean(dim=(2, 3)))
        case _:
            scores = layer("_fc")(features.mean(dim=(2, 3)))
    return scores


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_pictures_are_seen_by_the_classifier(name: str) -> None:
    """The trunk takes the classifier's own weights, and its features are what the classifier scores."""
    known = classifiers.CLASSIFIERS[name]
    classifier: nn.Module = known.module.build({}).eval()
    linear = ("fc", "classifier.", "linear.", "_fc.")
    state = {key: tensor for key, tensor in classifier.state_dict().items() if not key.startswith(linear)}
    trunk = read_trunk({f"encoder.trunk.{key}": tensor for key, tensor in state.items()}, "encoder.trunk.")
    network = Captioner(config_of(trunk, trunk.usual_side, Cell.LSTM, None)).eval()
    network.encoder.trunk.load_state_dict(state)
    pictures = torch.rand(2, trunk.channels, trunk.usual_side, trunk.usual_side)
    with torch.inference_mode():
        features = network.encoder.trunk(pictures)
        assert tuple(features.shape[1:]) == network.config.map_shape
        torch.testing.assert_close(scored(name, classifier, features), classifier(pictures))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_pictures_come_in_as_the_classifier_takes_them(name: str) -> None:
    """Colours, resizing and normalization, at the side that the classifier was made for."""
    module = classifiers.CLASSIFIERS[name].module
    trunk, _ = CLASSIFIERS[name]
    assert trunk.preprocessing(trunk.usual_side) == module.blueprint(module.build({})).image_preprocessing


def test_pictures_of_which_no_cell_is_left_are_refused() -> None:
    """The message says what is too small for what."""
    trunk, _ = CLASSIFIERS["lenet5-32"]
    with pytest.raises(CheckpointError, match=r"encoder\.side: 20 pixels are too few for lenet5-32"):
        Captioner(config_of(trunk, 20, Cell.LSTM, None))


def test_the_manifest_says_how_pictures_come_in(repository: Path) -> None:
    """The side is the checkpoint's, the channels are the first convolution's."""
    _, published = export(PLAIN, repository)
    manifest = published.manifest
    assert manifest.task == pb.TASK_IMAGE_CAPTIONING
    preprocessing = manifest.image_preprocessing
    assert (preprocessing.height, preprocessing.width) == (20, 20)
    assert preprocessing.color_mode == image_pb2.COLOR_MODE_GRAY
    assert math.isclose(preprocessing.rescale, 1 / 255)
    assert [state.encoder_output for state in manifest.generation.states] == ["h_0"]
    assert not manifest.generation.contexts


def test_a_trunk_of_linear_layers_is_refused() -> None:
    """What is attended to has places."""
    state = {"encoder.trunk.0.weight": torch.zeros(8, 12)}
    with pytest.raises(CheckpointError, match=r"encoder\.trunk\.0 is a linear: a trunk has convolutions"):
        build(state)
