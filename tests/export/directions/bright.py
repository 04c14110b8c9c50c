"""A variational autoencoder whose latents are known, and pictures that differ in one of them."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures.latent_model import (
    Method,
    Pictures,
    decoder_graph,
    encoder_graph,
    latent_model,
    normal,
)
from podium_export.assembling import Published, Source
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import Tensor, nn

SIDE = 4
GAIN = 8.0
"""A latent is so many times the mean of its part of the picture."""


class Bright(nn.Module):
    """Latent 0 is the brightness of the upper half, latent 1 that of the lower half, latent 2 nothing."""

    def __init__(self) -> None:
        super().__init__()
        upper, half = torch.arange(SIDE**2) < SIDE**2 // 2, GAIN / (SIDE**2 // 2)
        self.weight = nn.Parameter(torch.stack((upper.float(), (~upper).float(), torch.zeros(SIDE**2))) * half)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures to mean and log variance."""
        mean = x.flatten(1) @ self.weight.T
        return mean, mean * 0 - 1

    def encode_class(self, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures and classes to mean and log variance; the class adds to latent 2."""
        mean, log_variance = self.encode(x)
        return mean + label[:, None] * torch.tensor([0.0, 0.0, 1.0]), log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Map latents to pictures."""
        return (z @ (self.weight > 0).float() / GAIN).reshape(-1, 1, SIDE, SIDE)

    def decode_class(self, z: Tensor, label: Tensor) -> Tensor:
        """Map latents and classes to pictures."""
        return self.decode(z) + 0 * label[:, None, None, None]


def export_bright(repository: Path, name: str = "bright", class_names: tuple[str, ...] = ()) -> Published:
    """Export it, told the class if there are any."""
    network, pictures, num = Bright(), Pictures(1, SIDE), len(class_names)
    encode, decode = (network.encode_class, network.decode_class) if num else (network.encode, network.decode)
    blueprint = latent_model(
        (
            encoder_graph(Method(network, encode), pictures, variational=True, num_labels=num),
            decoder_graph(Method(network, decode), 3, num_labels=num),
        ),
        pictures,
        parts=(normal(3),),
        description="Bright or dark.",
        config={},
        class_names=class_names,
    )
    return export_network(blueprint, Source("bright"), Destination(repository, name))


def draw(folder: Path, upper: int, lower: int, num_pictures: int = 30) -> Path:
    """Write pictures whose halves have two brightnesses, give or take some, and give their folder."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(upper * 256 + lower)
    for number in range(num_pictures):
        halves = np.repeat([upper, lower], SIDE**2 // 2).reshape(SIDE, SIDE)
        pixels = np.clip(halves + random.integers(-20, 21, (SIDE, SIDE)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder


def latents(folder: Path) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Compute the means of a folder's pictures in the order of their names, by the network's definition."""
    pictures = np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))]) / 255
    halves = pictures.reshape(len(pictures), 2, -1).mean(axis=2) * GAIN
    return np.column_stack((halves, np.zeros(len(pictures))))


def directions_of(published: Path) -> list[pb.LatentDirection]:
    """Read a version's directions."""
    from podium_export.inspection.opened import read_manifest

    return list(read_manifest(published).latent_space.directions)
