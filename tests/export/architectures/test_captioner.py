"""Captioners: packages of small ones beside the papers' formulas."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures import efficientnet_lite0
from podium_export.architectures.captioner import Captioner, CaptionerConfig, blueprint, build
from podium_export.architectures.layers import Kind, Layer
from podium_export.architectures.picture_trunk import PhotoTrunk, SmallTrunk, Trunk
from podium_export.architectures.recurrent import Cell, RecurrentConfig
from podium_export.architectures.recurrent_decoder import DecoderConfig
from podium_export.assembling import Published, Source
from podium_export.errors import CheckpointError
from podium_export.exporting import export_network
from podium_export.package import Destination

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
PHOTOS = config_of(PhotoTrunk(), 64, Cell.LSTM, CELL_SIZE)
CONFIGS = [PLAIN, ATTENTIVE, PHOTOS]


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


@pytest.mark.parametrize("config", CONFIGS, ids=["plain", "attentive", "photos"])
def test_every_size_is_read_from_the_checkpoint(config: CaptionerConfig) -> None:
    """Trunk, side of the pictures, cells, attention and recurrent layers."""
    assert build(Captioner(config).state_dict()).config == config


@pytest.mark.parametrize("config", CONFIGS, ids=["plain", "attentive", "photos"])
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


def test_photos_are_seen_by_the_classifier() -> None:
    """The trunk takes the classifier's own weights, and its features are what the classifier scores."""
    classifier = efficientnet_lite0.build({}).eval()
    state = {key: tensor for key, tensor in classifier.state_dict().items() if not key.startswith("_fc")}
    network = Captioner(config_of(PhotoTrunk(), 224, Cell.LSTM, None)).eval()
    network.encoder.trunk.load_state_dict(state)
    photo = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        features = network.encoder.trunk(photo)
        assert features.shape == (1, 1280, 7, 7)
        scores = classifier.get_submodule("_fc")(features.mean(dim=(2, 3)))
        torch.testing.assert_close(scores, classifier(photo))


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
