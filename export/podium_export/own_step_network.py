"""A step network of the user's own: tokens and states in, logits and states out, with the states declared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.step_model import State, generation_of, step_graph
from podium_export.errors import NetworkError, OptionError
from podium_export.reference import evaluation


def own_step_blueprint(network: nn.Module, states: Sequence[State]) -> Blueprint:
    """Describe a network that writes one token after another.

    Its `forward` takes the tokens (batch, time) and the states, and returns the logits (batch, vocabulary) of the last
    token and the states, in the same order.

    Raises:
        OptionError: two states have one name, or one of them has no batch axis.
        NetworkError: it fails on one token, or gives no logits.
    """
    names = [state.name for state in states]
    for state in states:
        if names.count(state.name) > 1 or state.name == "token":
            raise OptionError(f'--state {state.name}: this name is taken; each state has one of its own, none "token"')
        if list(state.shape).count("batch") != 1 or sum(isinstance(axis, str) for axis in state.shape) != 1:
            raise OptionError(
                f"--state {state.name}: its axes are {', '.join(map(str, state.shape))}: one of them must be batch, "
                "and the others lengths, as in hidden:float32:batch,256 or hidden:float32:2,batch,256"
            )
    size = _vocabulary_size(network, states)
    return Blueprint(
        (step_graph(network, size, states),), pb.TASK_TEXT_GENERATION, generation=generation_of(pb.Tokenizer(), states)
    )


def _vocabulary_size(network: nn.Module, states: Sequence[State]) -> int:
    """Run one token to see how many logits there are."""
    before = [
        torch.zeros([1 if axis == "batch" else int(axis) for axis in state.shape], dtype=_dtype(state))
        for state in states
    ]
    try:
        with evaluation(network), torch.inference_mode():
            outputs: Any = network(torch.zeros(1, 1, dtype=torch.int64), *before)
    except Exception as error:
        raise NetworkError(
            f"the network fails on one token, id 0, of one sequence: {type(error).__name__}: {error}\nIts `forward` "
            f"must take token (batch, time) and {', '.join(state.name for state in states)}, in this order"
        ) from error
    logits = outputs[0] if isinstance(outputs, tuple | list) and outputs else outputs
    if not isinstance(logits, Tensor) or logits.ndim != 2 or logits.shape[0] != 1:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise NetworkError(
            f"the network's first output for one token of one sequence is {shape}: it must be the logits of the last "
            "token alone, (batch, vocabulary), as in logits[:, -1]"
        )
    return int(logits.shape[1])


def _dtype(state: State) -> torch.dtype:
    return torch.from_numpy(np.zeros(0, state.element_type)).dtype
