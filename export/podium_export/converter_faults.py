"""What has to be put right around PyTorch's converter: it holds the time of recurrent networks fixed (torch 2.13)."""

from collections.abc import Mapping
from typing import Any

import torch


def forget_recurrent_kernels() -> None:
    """Let PyTorch resolve its recurrent operators anew, before a network is traced.

    The converter swaps their kernels while it traces (`torch.export._patches`) and leaves what was resolved meanwhile
    in the operators' caches: the second LSTM that a process traces would come out with its time axis frozen.
    """
    for operator in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        cache: dict[object, object] = getattr(operator, "_dispatch_cache", {})
        cache.clear()


def name_lengths(program: Any, axis_by_length: Mapping[int, str]) -> None:
    """Give the dynamic axes of what a traced program computes their names, where the converter has a number.

    It believes that the outputs of recurrent operators have the traced length for ever, though they are dynamic: what
    folds constants afterwards would put that length into the graph between two of them.

    Args:
        program: fresh from the tracer, not optimized yet.
        axis_by_length: the axes by the unusual lengths that they were traced at.
    """
    for node in program.model.graph:
        for value in node.outputs:
            if value.shape is not None and any(dim in axis_by_length for dim in value.shape):
                value.shape = type(value.shape)([axis_by_length.get(dim, dim) for dim in value.shape])
