"""Puts a checkpoint's weights into a network, key by key and shape by shape, or says side by side why not."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from podium_export.architecture import Architecture
from podium_export.architectures import ARCHITECTURES
from podium_export.checkpoint import Checkpoint
from podium_export.errors import CheckpointError
from podium_export.mismatch import explain

_COUNTERS = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A network with its weights.

    Attributes:
        network: in evaluation mode.
        state: the checkpoint's tensors under the network's own keys.
    """

    network: nn.Module
    state: Mapping[str, Tensor]


def fit(state: Mapping[str, Tensor], build: Callable[[Mapping[str, Tensor]], nn.Module], name: str) -> Fitted:
    """Build a network for a checkpoint and load the weights into it.

    Args:
        state: the checkpoint's tensors by key.
        build: makes the network; it may read sizes from the tensors' shapes.
        name: what the network is called in messages.

    Raises:
        CheckpointError: keys are missing, unexpected or of another shape.
    """
    first: CheckpointError | None = None
    for candidate in _spellings(state):
        try:
            network = build(candidate).eval()
            _check(network, candidate, name)
        except CheckpointError as error:
            first = first or error
            continue
        with torch.no_grad():
            own = network.state_dict()
            network.load_state_dict({key: candidate.get(key, tensor) for key, tensor in own.items()})
        return Fitted(network, candidate)
    assert first is not None
    raise first


def fit_architecture(
    architecture: Architecture, checkpoint: Checkpoint, known: Mapping[str, Architecture] = ARCHITECTURES
) -> Fitted:
    """Build a bundled network for a checkpoint; when it does not fit, try whether another one does.

    Raises:
        CheckpointError: the keys and shapes do not fit.
    """
    try:
        return fit(checkpoint.state, architecture.build, architecture.name)
    except CheckpointError as error:
        better = [other.name for other in known.values() if _fits(other, checkpoint)]
        hint = f'\nThese weights fit the architecture "{better[0]}": export that.' if better else ""
        raise CheckpointError(f"{checkpoint.file_name}: {error}{hint}") from error


def _fits(architecture: Architecture, checkpoint: Checkpoint) -> bool:
    try:
        return _shapes(architecture.build(checkpoint.state).state_dict()) == _shapes(checkpoint.state)
    except (CheckpointError, RuntimeError, ValueError, ZeroDivisionError):
        return False


def _spellings(state: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """Yield the keys as they are, then without each first part that all of them share ("model.", "net.")."""
    yield state
    while True:
        parts = {key.partition(".")[0] for key in state}
        if len(parts) != 1 or any("." not in key for key in state):
            return
        state = {key.partition(".")[2]: tensor for key, tensor in state.items()}
        yield state


def _check(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    own, given = _shapes(network.state_dict()), _shapes(state)
    if own != given:
        raise CheckpointError(explain(own, given, name))


def _shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """List shapes by key, without the counters of batch normalization, which evaluation never reads."""
    return {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith(_COUNTERS)}
