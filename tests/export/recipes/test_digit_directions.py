"""The directions of `digits-vae`: what they change in pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import model_manifest_pb2 as pb
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.digit_directions import PROPERTIES, thirds
from podium_export.recipes.digit_pictures import learned_and_held_out
from podium_export.recipes.handwriting import lean, stroke_width
from torch import Tensor

from tests.export.architectures.halves import run_graph
from tests.export.directions.bright import directions_of

STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    return RECIPES["digits-vae"].make(Destination(tmp_path_factory.mktemp("models"), "digits-vae"), Silence()).path


@pytest.fixture(scope="module")
def directions(package: Path) -> dict[str, pb.LatentDirection]:
    """Read its directions."""
    return {direction.name: direction for direction in directions_of(package)}


def edited(package: Path, images: Tensor, direction: pb.LatentDirection, strength: float) -> Tensor:
    """Encode pictures, move them along a direction, decode them, by the package's own graphs."""
    mean = run_graph(package, "encoder", image=images)["mean"]
    latent = mean + np.float32(strength) * np.array(direction.values, np.float32)
    return torch.from_numpy(run_graph(package, "decoder", latent=latent)["image"])


def ink(images: Tensor) -> Tensor:
    """Measure the mean pixel (B,)."""
    return images.mean(dim=(1, 2, 3))


def test_digits_that_were_not_learned_from_are_told_apart(directions: dict[str, pb.LatentDirection]) -> None:
    """A third of a hundred at either end of each of ten classes is 660 digits; a lean is seen better than a width."""
    assert list(directions) == ["bold", "slant"]
    assert {direction.num_held_out for direction in directions.values()} == {660}
    assert directions["bold"].held_out_accuracy > 0.75
    assert directions["slant"].held_out_accuracy > 0.95


def test_bold_widens_strokes_with_every_step(package: Path, directions: dict[str, pb.LatentDirection]) -> None:
    """Of held-out digits: the mean width and the mean ink grow with every step, and both of nearly every digit."""
    _, held_out = learned_and_held_out()
    steps = [edited(package, held_out.images, directions["bold"], strength) for strength in STRENGTHS]
    for measure in (stroke_width, ink):
        growth = torch.stack([measure(step) for step in steps]).diff(dim=0)
        assert (growth.mean(dim=1) > 0).all()
        assert (growth > 0).all(dim=0).double().mean() > 0.95


def test_slant_leans_to_the_right_with_every_step(package: Path, directions: dict[str, pb.LatentDirection]) -> None:
    """Of held-out digits: the mean lean grows with every step, that of nearly every digit from first to last."""
    _, held_out = learned_and_held_out()
    leans = torch.stack([lean(edited(package, held_out.images, directions["slant"], s)) for s in STRENGTHS])
    assert (leans.diff(dim=0).mean(dim=1) > 0).all()
    assert (leans[-1] > leans[0]).double().mean() > 0.99


def test_bold_leaves_the_lean_as_it_is(package: Path, directions: dict[str, pb.LatentDirection]) -> None:
    """On average over held-out digits, to two degrees, where slant changes it by more than thirty."""
    _, held_out = learned_and_held_out()
    changes = {}
    for name, direction in directions.items():
        ends = [lean(edited(package, held_out.images, direction, strength)).mean() for strength in (-1.0, 1.0)]
        changes[name] = float(torch.rad2deg(ends[1] - ends[0]))
    assert abs(changes["bold"]) < 2
    assert changes["slant"] > 30


@pytest.mark.parametrize("name", list(PROPERTIES))
def test_a_strength_of_1_leads_from_the_one_third_to_the_other(
    package: Path, directions: dict[str, pb.LatentDirection], name: str
) -> None:
    """Held-out digits of the lower third, moved by 1, have as much as those of the upper, give or take a quarter."""
    _, held_out = learned_and_held_out()
    measure = PROPERTIES[name]
    most, least = (held_out.at(places) for places in thirds(measure(held_out.images), held_out.labels))
    before, after = (float(measure(edited(package, least.images, directions[name], s)).mean()) for s in (0.0, 1.0))
    aim = float(measure(edited(package, most.images, directions[name], 0.0)).mean())
    assert (after - before) / (aim - before) == pytest.approx(1, abs=0.25)


def test_the_directions_are_the_same_every_time(
    package: Path, directions: dict[str, pb.LatentDirection], tmp_path: Path
) -> None:
    """To the last bit, as the rest of what the package says of its latent space."""
    again = RECIPES["digits-vae"].make(Destination(tmp_path, "digits-vae"), Silence()).path
    assert directions_of(again) == list(directions.values())


def test_thirds_hold_every_class_alike() -> None:
    """A class whose values are all larger is in both."""
    labels = torch.arange(10).repeat_interleave(7)
    values = labels * 100.0 + torch.arange(7).repeat(10)
    most, least = thirds(values, labels)
    for places, expected in ((most, [5.0, 6.0]), (least, [0.0, 1.0])):
        rest = values[places].reshape(10, 2) - 100 * torch.arange(10)[:, None]
        assert rest.tolist() == [expected] * 10
