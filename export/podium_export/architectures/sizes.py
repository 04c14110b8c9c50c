"""Reads a network's sizes from the shapes of a checkpoint's tensors."""

from collections.abc import Mapping

from torch import Tensor


def length(state: Mapping[str, Tensor], key: str, axis: int, default: int) -> int:
    """Give the length of one axis of one tensor.

    A tensor that is absent or has too few axes gives the default: the network is then built in its usual
    size, and the comparison of keys and shapes that follows says what differs, side by side.
    """
    tensor = state.get(key)
    if tensor is None or tensor.ndim <= axis:
        return default
    return int(tensor.shape[axis])
