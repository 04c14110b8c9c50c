"""`motion`: clips made of real digits, the training, and what comes with podium."""

import numpy as np
import pytest
import torch
from podium_export.architectures.cnn_rnn import CNNRNN
from podium_export.recipes import motion
from podium_export.recipes.digit_pictures import learned_and_held_out
from podium_export.recipes.digit_training import Digits
from podium_export.recipes.motion_training import MotionPlan, measure, train_motion
from podium_export.recipes.moving_digits import DIRECTIONS, LABELS, NUM_FRAMES, SIDE, make_clips


@pytest.fixture(scope="module")
def blobs() -> Digits:
    """Round spots in the place of digits: their middle is their middle of mass."""
    y, x = np.mgrid[:28, :28] - 13.5
    spot = torch.from_numpy(np.exp(-(x**2 + y**2) / 20).astype(np.float32))
    return Digits(spot.expand(400, 1, 28, 28), torch.arange(400) % 10)


def test_digits_move_as_their_label_says(blobs: Digits) -> None:
    """The middle of mass goes the direction's way, by the same step from frame to frame, and stays in sight."""
    clips = make_clips(blobs, torch.Generator().manual_seed(0))
    bright = (clips.frames[:, :, 0] - 0.3).clamp(min=0)
    places = torch.arange(SIDE, dtype=torch.float32)
    mass = bright.sum((2, 3))
    across = (bright.sum(2) * places).sum(2) / mass
    down = (bright.sum(3) * places).sum(2) / mass
    assert min(across.min(), down.min()) > 4
    assert max(across.max(), down.max()) < SIDE - 5
    angle = torch.atan2(down[:, -1] - down[:, 0], across[:, -1] - across[:, 0])
    eighths = (angle / (torch.pi / 4)).round().long() % 8
    assert (eighths == clips.labels % len(DIRECTIONS)).all()
    steps = torch.hypot(across.diff(dim=1), down.diff(dim=1))
    assert (steps - steps.mean(1, keepdim=True)).abs().max() < 0.5  # the noise's share
    assert steps.mean(1).min() > 0.4
    assert steps.mean(1).max() < 1.4


def test_clips_are_what_a_file_can_hold(blobs: Digits) -> None:
    """Every pixel is a whole number of 255ths, so that a clip that is sent is the clip that was learned from."""
    clips = make_clips(blobs, torch.Generator().manual_seed(0))
    assert clips.frames.shape == (400, NUM_FRAMES, 1, SIDE, SIDE)
    assert torch.allclose(clips.frames * 255, (clips.frames * 255).round(), atol=1e-4)
    assert len(LABELS) == 80
    assert LABELS[int(clips.labels[3])].startswith("3 moving ")


def test_the_figures_are_those_of_the_stored_weights() -> None:
    """Measuring again gives what the file says: the manifest's figures are held."""
    network = motion.STORED.network()
    said = {figure.metric: figure.value for figure in motion.STORED.evaluations()}
    assert {figure.metric: figure.value for figure in motion.evaluate(network)} == pytest.approx(said, abs=0.002)
    assert said["accuracy"] >= 0.93
    assert said["accuracy of the direction"] >= 0.99


def test_the_first_frame_tells_no_direction() -> None:
    """A still picture has no motion: after one frame the direction is little more than chance, one in eight."""
    network = motion.STORED.network()
    assert isinstance(network, CNNRNN)
    _, held_out = learned_and_held_out()
    clips = make_clips(held_out, torch.Generator().manual_seed(8))
    with torch.inference_mode():
        said = network(clips.frames[:, :1]).argmax(2)[:, 0] % len(DIRECTIONS)
    part = float((said == clips.labels % len(DIRECTIONS)).double().mean())
    assert part < 0.45  # where the digit is tells something: there must be room ahead of it


def _nothing(done: int, steps: int) -> None:
    """Tell nobody."""
    del done, steps


def test_training_is_the_same_every_time() -> None:
    """Three steps twice give the same weights."""
    learned, _ = learned_and_held_out()
    plan = MotionPlan(filters=(4, 8, 8), num_features=16, hidden_size=16, num_steps=3, batch_size=4)
    once, again = (train_motion(learned, plan, _nothing).state_dict() for _ in range(2))
    assert all(torch.equal(once[key], again[key]) for key in once)


def test_figures_are_parts_of_clips(blobs: Digits) -> None:
    """Of a network that always says one class: the clips of it, of its digit and of its direction, after any frame."""
    clips = make_clips(blobs, torch.Generator().manual_seed(0))
    network = CNNRNN(MotionPlan(filters=(4, 8, 8), num_features=16, hidden_size=16).config).eval()
    said, (digit, direction) = 35, divmod(35, len(DIRECTIONS))
    with torch.no_grad():
        network.get_parameter("head.bias")[said] = 1e3
    figures = measure(network, clips)
    both = float((clips.labels == said).double().mean())
    assert (figures.both, figures.third_frame) == (both, both)
    assert figures.digit == float((clips.labels // len(DIRECTIONS) == digit).double().mean()) == 0.1
    assert figures.direction == float((clips.labels % len(DIRECTIONS) == direction).double().mean())
