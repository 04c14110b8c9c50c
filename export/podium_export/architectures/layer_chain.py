"""Layers one after another with ReLU between: encoders, decoders and generators are made of it.

Shapes: B batch, F features, C channels, H height, W width, N features joined to the others.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architectures.layers import Kind, Layer, sides
from podium_export.architectures.placing import place


class LayerChain(nn.Module):
    """Linear layers, convolutions that halve a picture or double it, and batch normalization.

    ReLU follows every linear layer and convolution (behind its batch normalization, where it has one) but the last.
    Pictures are flattened for a linear layer, and features become a picture for a transposed convolution.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        for layer, module in zip(layers, _modules(layers), strict=True):
            place(self, layer.name, module)

    def forward(self, x: Tensor, joined_BN: Tensor | None = None) -> Tensor:
        """Map (B, C, H, W) or (B, F) to what the last layer gives.

        Args:
            x: pictures or features.
            joined_BN: put behind the features before the first linear layer.
        """
        for number, layer in enumerate(self.layers):
            x = _shaped(x, layer)
            if layer.kind is Kind.LINEAR and joined_BN is not None:
                x, joined_BN = torch.cat((x, joined_BN), dim=1), None
            x = self.get_submodule(layer.name)(x)
            if self._activates(number):
                x = F.relu(x)
        return x

    def _activates(self, number: int) -> bool:
        following = self.layers[number + 1 :]
        return bool(following) and following[0].kind is not Kind.NORM


def _shaped(x: Tensor, layer: Layer) -> Tensor:
    """Flatten a picture, or make one of features, as the layer takes it."""
    if layer.kind is Kind.LINEAR:
        return x.flatten(1)
    if x.ndim == 2 and (layer.kind is Kind.UP or layer.size_in != x.shape[1]):
        side = math.isqrt(x.shape[1] // layer.size_in)
        return x.reshape(-1, layer.size_in, side, side)
    return x


def _modules(layers: Sequence[Layer]) -> Iterator[nn.Module]:
    """Make the layers, each after what comes before it."""
    draws = any(layer.kind is Kind.UP for layer in layers)
    flat = True
    for layer, (before, behind) in zip(layers, sides(layers) if draws else [(0, 0)] * len(layers), strict=True):
        if layer.kind is Kind.NORM:
            yield nn.BatchNorm1d(layer.size_in) if flat and not behind else nn.BatchNorm2d(layer.size_in)
        else:
            yield _weighted(layer, before)
            flat = layer.kind is Kind.LINEAR


def _weighted(layer: Layer, before: int) -> nn.Module:
    """Make a linear layer or a convolution; before it is a picture of a side, or none (0)."""
    sizes, padding = (layer.size_in, layer.size_out), (layer.kernel - 1) // 2
    if layer.kind is Kind.LINEAR:
        return nn.Linear(*sizes, bias=layer.bias)
    if layer.kind is Kind.DOWN:
        return nn.Conv2d(*sizes, layer.kernel, 2, padding, bias=layer.bias)
    if before == 1:
        return nn.ConvTranspose2d(*sizes, layer.kernel, bias=layer.bias)
    return nn.ConvTranspose2d(*sizes, layer.kernel, 2, padding, output_padding=layer.kernel % 2, bias=layer.bias)
