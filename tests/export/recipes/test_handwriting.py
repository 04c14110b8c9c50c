"""Measures of handwriting, on shapes whose width and lean are known."""

import math

import pytest
import torch
from podium_export.recipes.handwriting import lean, stroke_width
from torch import Tensor

SIDE = 127
Y, X = torch.meshgrid(*2 * [torch.arange(SIDE, dtype=torch.float64) - (SIDE - 1) / 2], indexing="ij")


def pictures(*each: Tensor) -> Tensor:
    """Put pictures (H, W) into a batch."""
    return torch.stack(each)[:, None].float()


@pytest.mark.parametrize("deviation", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("turn", [0.0, 0.5, math.pi / 4, math.pi / 2])
def test_a_stroke_is_as_wide_as_its_profile_at_any_angle(deviation: float, turn: float) -> None:
    """Of profile exp(-d²/2σ²): √(2π) σ of ink over a rise and a fall of 1; pixels blur it by up to an eighth."""
    across = X * math.cos(turn) + Y * math.sin(turn)
    along = (Y * math.cos(turn) - X * math.sin(turn)) / 50
    stroke = torch.exp(-(across**2) / (2 * deviation**2)) * torch.exp(-(along**8))
    assert float(stroke_width(pictures(stroke))) == pytest.approx(math.sqrt(2 * math.pi) * deviation, rel=1 / 8)


@pytest.mark.parametrize("radius", [6.0, 10.0, 20.0])
def test_a_disc_is_as_wide_as_its_radius(radius: float) -> None:
    """Twice πr² over 2πr; a soft edge σ((r - d)/s) adds π³s²/3 to the area, by Sommerfeld's expansion."""
    softness = 0.7
    disc = torch.sigmoid((radius - torch.hypot(X, Y)) / softness)
    area = math.pi * radius**2 + math.pi**3 * softness**2 / 3
    assert float(stroke_width(pictures(disc))) == pytest.approx(2 * area / (2 * math.pi * radius), rel=0.01)


def test_pale_ink_is_as_wide_as_bright_ink() -> None:
    """Area and perimeter fade alike."""
    disc = torch.sigmoid(10 - torch.hypot(X, Y))
    bright, pale = stroke_width(pictures(disc, disc / 5))
    assert float(pale) == pytest.approx(float(bright))


@pytest.mark.parametrize("shear", [-1.0, -0.3, 0.0, 0.3, 1.0])
def test_a_sheared_blob_leans_by_its_shear(shear: float) -> None:
    """Upright and round before it; y grows downwards, so its upper end goes to the right."""
    blob = torch.exp(-((X + shear * Y) ** 2 + Y**2) / (2 * 5**2))
    assert float(lean(pictures(blob))) == pytest.approx(math.atan(shear), abs=1e-3)


def test_the_lean_is_the_same_anywhere_in_the_picture() -> None:
    """And as pale as it may be: moments are about the ink's own centre."""
    blobs = [torch.exp(-((X - at + 0.5 * (Y - at)) ** 2 + (Y - at) ** 2) / (2 * 4**2)) for at in (0.0, 6.0)]
    here, there, pale = lean(pictures(*blobs, blobs[0] / 10))
    assert float(there) == pytest.approx(float(here), abs=1e-3)
    assert float(pale) == pytest.approx(float(here), abs=1e-6)
