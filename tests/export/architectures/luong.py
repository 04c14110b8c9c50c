"""Global attention written out from its paper: Luong et al., 2015, arXiv:1508.04025, section 3.1, score "general"."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn


def attentional_logits(network: nn.Module, hidden: NDArray[Any], memory: NDArray[Any]) -> NDArray[np.float64]:
    """Compute one row's logits in double precision.

    Args:
        network: has the weights under "decoder.".
        hidden: the decoder's output (H,).
        memory: what it looks at, nothing of it masked (S, M).
    """
    w_a, w_c, w_s, b_s = (
        network.get_parameter(f"decoder.{key}").detach().double().numpy()
        for key in ("attention.score.weight", "attention.combine.weight", "output.weight", "output.bias")
    )
    hidden, memory = hidden.astype(np.float64), memory.astype(np.float64)
    score = np.exp(memory @ (w_a @ hidden))  # equation 8, and the numerator of 7
    context = score / score.sum() @ memory
    attentional = np.tanh(w_c @ np.concatenate((context, hidden)))  # equation 5
    logits: NDArray[np.float64] = w_s @ attentional + b_s  # equation 6
    return logits
