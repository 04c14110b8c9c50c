"""What all cells have in common: layers, one on another, with their states.

Shapes: B batch, T time, I input features, H hidden features.
"""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn


class Recurrent(nn.Module):
    """Layers of one cell; the first reads the input, each other one what the layer below it writes."""

    kinds: ClassVar[tuple[str, ...]] = ("hidden",)
    """What a layer remembers: each is a state (B, H)."""
    num_layers: int
    hidden_size: int

    @property
    def state_names(self) -> tuple[str, ...]:
        """Name the states in order: layer by layer, each kind."""
        return tuple(f"{kind}_{number}" for number in range(self.num_layers) for kind in self.kinds)

    def forward(self, x_BTI: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read sequences.

        Args:
            x_BTI: the sequences.
            states: (B, H) each, in the order of `state_names`.

        Returns:
            What the last layer writes (B, T, H), and the states after the last time.
        """
        after: list[Tensor] = []
        for number in range(self.num_layers):
            first = number * len(self.kinds)
            x_BTI, *own = self.layer(number, x_BTI, *states[first : first + len(self.kinds)])
            after += own
        return x_BTI, tuple(after)

    def layer(self, number: int, x_BTI: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Run one layer: what it writes (B, T, H), and its states after the last time."""
        raise NotImplementedError


class TorchLayers(nn.RNNBase, Recurrent):
    """Weights that are named and stacked as PyTorch's own recurrent networks have them."""

    mode_name: ClassVar[str]

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, *, bias: bool = True) -> None:
        super().__init__(self.mode_name, input_size, hidden_size, num_layers, bias=bias, batch_first=True)

    def weights(self, number: int) -> list[Tensor]:
        """List a layer's weights: input, hidden, and the biases of both where there are any."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[: 4 if self.bias else 2]
        return [getattr(self, f"{name}_l{number}") for name in names]
