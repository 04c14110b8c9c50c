"""What graphs are tried on: the right sizes, the right numbers, the same every time."""

import numpy as np
import pytest
from podium_export.architecture import GraphBlueprint, InputSpec
from podium_export.trials import (
    PICTURE_BYTES,
    draw,
    dynamic_axes,
    golden_trials,
    traced_lengths,
    trial_lengths,
    trials,
)
from torch import nn

from tests.export.networks import affine_graph, step_graph


def _graph(*specs: InputSpec, batch_axis: str = "batch") -> GraphBlueprint:
    return GraphBlueprint(nn.Identity(), specs, ("y",), batch_axis=batch_axis)


def test_tries_three_batch_sizes_and_never_the_traced_one() -> None:
    """One is among them, and no trial repeats the size of the trace, on any axis."""
    for graph in (affine_graph(), step_graph()):
        traced = traced_lengths(graph, taken=set())
        tried = trial_lengths(graph)
        assert len({axes["batch"] for axes in tried}) >= 3
        assert 1 in {axes["batch"] for axes in tried}
        golden = [dict(trial.axes) for trial in golden_trials(graph, pictures=False)]
        assert all(axes[name] != traced[name] for axes in [*tried, *golden] for name in axes)


def test_traces_at_lengths_that_occur_nowhere_else() -> None:
    """A length that is a size of the network already could not be found again."""
    graph = _graph(InputSpec("x", "float32", ("batch", 37)))
    assert traced_lengths(graph, taken={41, 43}) == {"batch": 47}


def test_varies_every_dynamic_axis() -> None:
    """Time is tried at lengths of its own, one among them, not in step with the batch."""
    lengths = {(axes["batch"], axes["time"]) for axes in trial_lengths(step_graph())}
    assert dynamic_axes(step_graph()) == ("batch", "time")
    assert len({time for _, time in lengths}) == 3
    assert (1, 1) not in lengths


def test_tries_the_lengths_that_a_network_asks_for() -> None:
    """A blueprint's own lengths replace the usual ones."""
    graph = GraphBlueprint(
        nn.Identity(), (InputSpec("x", "float32", ("batch", "height")),), ("y",), lengths={"height": (64, 96)}
    )
    assert {axes["height"] for axes in trial_lengths(graph)} == {64, 96}


def test_draws_the_same_numbers_every_time() -> None:
    """A trial is a function of the graph alone."""
    first, second = list(trials(step_graph())), list(trials(step_graph()))
    for one, other in zip(first, second, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.inputs, other.inputs, strict=True))


@pytest.mark.parametrize("element_type", ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("kind", ["random", "zeros", "large", "golden"])
def test_draws_what_was_declared(element_type: str, kind: str) -> None:
    """Type and shape are the declared ones, and every number is finite and inside the bounds."""
    spec = InputSpec("x", element_type, ("batch", 50), low=0, high=1 if element_type == "bool" else 9)
    array = draw(spec, {"batch": 4}, kind)  # type: ignore[arg-type]
    assert array.dtype == np.dtype(element_type)
    assert array.shape == (4, 50)
    assert np.isfinite(array.astype(float)).all()
    assert array.min() >= 0
    assert array.max() <= 9


def test_indices_without_bounds_stay_small() -> None:
    """Integers of an unknown range are 0 and 1, which index nearly any table."""
    array = draw(InputSpec("x", "int64", (100,)), {}, "random")
    assert set(array.tolist()) == {0, 1}


def test_zeros_respect_a_lower_bound() -> None:
    """Where 0 is not allowed the nearest number that is stands for it."""
    assert draw(InputSpec("x", "float32", (3,), low=2, high=5), {}, "zeros").tolist() == [2, 2, 2]


def test_golden_examples_of_photos_stay_small() -> None:
    """Two batch sizes where rows are photos; however big a row is there is one example."""
    photo = _graph(InputSpec("image", "float32", ("batch", 3, 224, 224)))
    examples = golden_trials(photo, pictures=True)
    assert [trial.axes["batch"] for trial in examples] == [1, 2]
    assert sum(trial.inputs[0].nbytes for trial in examples) <= PICTURE_BYTES
    huge = _graph(InputSpec("image", "float32", ("batch", 3, 2000, 2000)))
    assert len(golden_trials(huge, pictures=True)) == 1


def test_a_fixed_graph_is_tried_at_its_one_size() -> None:
    """Without dynamic axes there is one size, and one golden example."""
    graph = _graph(InputSpec("x", "float32", (1, 8)), batch_axis="")
    assert trial_lengths(graph) == [{}]
    assert len(golden_trials(graph, pictures=False)) == 1
