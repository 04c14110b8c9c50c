"""Puts layers into a network under the names that a checkpoint gives them."""

from torch import nn


def place(root: nn.Module, name: str, layer: nn.Module) -> None:
    """Register a layer under a name with dots ("features.0"), making the modules that it lies in."""
    *path, last = name.split(".")
    for part in path:
        if part not in dict(root.named_children()):
            root.add_module(part, nn.Module())
        root = root.get_submodule(part)
    root.add_module(last, layer)
