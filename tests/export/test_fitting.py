"""Weights go into a network key by key and shape by shape; what does not fit is shown side by side."""

import re

import pytest
import torch
from podium_export.checkpoint import Checkpoint
from podium_export.choose import architecture_named
from podium_export.errors import CheckpointError, OptionError
from podium_export.fitting import fit, fit_architecture
from podium_export.mismatch import MOST_ROWS, explain, likely_cause
from torch import Tensor, nn


def _network(_: object = None) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 10))


def _state() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {key: torch.rand_like(tensor.float()) for key, tensor in _network().state_dict().items()}


def test_loads_every_tensor_in_evaluation_mode() -> None:
    """The network computes with the checkpoint's numbers, not with its own."""
    state = _state()
    fitted = fit(state, _network, "net")
    assert not any(part.training for part in fitted.network.modules())
    loaded = fitted.network.state_dict()
    assert all(torch.equal(loaded[key].float(), state[key].to(loaded[key].dtype).float()) for key in state)


def test_takes_off_a_prefix_that_all_keys_share() -> None:
    """A Lightning checkpoint's "model." goes, however deep."""
    state = {f"model.net.{key}": tensor for key, tensor in _state().items()}
    assert set(fit(state, _network, "net").state) == set(_state())


def test_does_without_the_counters_of_batch_normalization() -> None:
    """Files from before num_batches_tracked existed still fit: evaluation never reads it."""
    state = {key: tensor for key, tensor in _state().items() if not key.endswith("num_batches_tracked")}
    assert fit(state, _network, "net").network is not None


def test_shows_missing_unexpected_and_misshapen_keys_side_by_side() -> None:
    """One line holds the network's key and shape and the checkpoint's."""
    network = {"a.weight": (4, 3), "a.bias": (4,), "b.weight": (2, 4)}
    checkpoint = {"a.weight": (4, 3), "a.bias": (5,), "c.weight": (2, 4), "d": (7,)}
    text = explain(network, checkpoint, "net")
    assert "1 of the network's 3 tensors are in it with the right shape; the checkpoint has 4" in text
    assert re.search(r"a\.bias +4 +a\.bias +5 +other shape", text)
    assert re.search(r"b\.weight +2×4 +c\.weight +2×4 +other name\?", text)
    assert re.search(r"unexpected +d +7", text)


def test_shows_only_the_first_of_hundreds() -> None:
    """A table of another architecture stays readable."""
    text = explain({f"a{i}": (1, 2) for i in range(100)}, {}, "net")
    assert f"… and {100 - MOST_ROWS} more" in text


@pytest.mark.parametrize(
    ("network", "checkpoint", "cause"),
    [
        ({"w": (3, 4)}, {"w": (4, 3)}, "transposed"),
        (
            {"a": (8, 4), "w": (10, 4), "b": (10,)},
            {"a": (8, 4), "w": (100, 4), "b": (100,)},
            "has 10, the checkpoint 100",
        ),
        ({"w": (3, 4)}, {"generator.w": (3, 4), "critic.w": (9, 9)}, 'under "generator."'),
        ({"a": (3, 4), "b": (5,)}, {"x": (3, 4), "y": (5,)}, "under other names"),
        ({"a": (3, 4), "b": (5,)}, {"a": (3, 4)}, "lacks part"),
        ({"a": (3, 4)}, {"a": (3, 4), "b": (5,)}, "more than the network"),
        ({"a": (3, 4), "b": (5, 5, 5)}, {"a": (6, 9), "b": (7, 5, 5)}, "another size"),
        ({"a": (3, 4), "b": (5,)}, {"x": (3, 5)}, "another architecture"),
    ],
)
def test_names_the_likely_cause(
    network: dict[str, tuple[int, ...]], checkpoint: dict[str, tuple[int, ...]], cause: str
) -> None:
    """Each of the usual reasons is recognised."""
    assert cause in likely_cause(network, checkpoint)


def test_says_which_architecture_would_fit() -> None:
    """Weights of one bundled network given as another's lead to the right one."""
    weights = architecture_named("lenet5-32").build({}).state_dict()
    checkpoint = Checkpoint("digits.pth", "", weights)
    with pytest.raises(
        CheckpointError, match=r'digits\.pth: the checkpoint does not fit lenet5(.|\n)*fit the architecture "lenet5-32"'
    ):
        fit_architecture(architecture_named("lenet5"), checkpoint)


def test_lists_the_architectures_when_there_is_none_of_a_name() -> None:
    """A slip of the pen gets the nearest name and the whole list."""
    with pytest.raises(OptionError, match=r'"lenet-32"; did you mean "lenet5-32"\?(.|\n)*alexnet(.|\n)*--module'):
        architecture_named("lenet-32")
