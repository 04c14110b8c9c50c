"""The network in PyTorch: refused where its answers depend on chance, on training or on the number of rows."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from podium_export.architecture import GraphBlueprint, InputSpec
from podium_export.errors import FrozenAxis, NetworkError, TrainingMode
from podium_export.reference import reference_outputs
from podium_export.trials import trials
from torch import Tensor, nn

from tests.export.networks import Affine, affine_graph, always_dropping, step_graph

After = Callable[[Tensor, Tensor], Tensor]

TRAINING: list[tuple[After, str]] = [
    (always_dropping, "dropout"),
    (lambda x, y: torch.dropout(y, 0.5, True), "dropout"),
    (lambda x, y: F.dropout2d(y[None, ..., None])[0, ..., 0], "dropout2d"),
    (lambda x, y: F.alpha_dropout(y, 0.1, training=True), "alpha_dropout"),
    (lambda x, y: F.rrelu(y, training=True), "rrelu"),
    (lambda x, y: F.batch_norm(y, None, None, training=True), "batch_norm"),
    (
        lambda x, y: F.scaled_dot_product_attention(y[None], y[None], y[None], dropout_p=0.1)[0],
        "scaled_dot_product_attention",
    ),
]

EVALUATING: list[After] = [
    lambda x, y: F.dropout(y, 0.5, training=False),
    lambda x, y: F.instance_norm(y[:, None])[:, 0],
    lambda x, y: nn.Dropout(0.5).eval()(y),
    lambda x, y: F.scaled_dot_product_attention(y[None], y[None], y[None])[0],
]

RANDOM: list[tuple[After, str]] = [
    (lambda x, y: y + torch.randn_like(y), "randn_like"),
    (lambda x, y: F.gumbel_softmax(y), "gumbel_softmax"),
]

ROWLESS: list[tuple[After, str]] = [(lambda x, y: y.view(4, -1), r"\(4, 2\)"), (lambda x, y: y.sum(0), r"\(8,\)")]


def _run(after: After | None) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    graph = affine_graph(after)
    return reference_outputs(graph, next(trials(graph)))


def test_gives_what_the_network_gives_in_evaluation_mode() -> None:
    """A network left in training mode is evaluated, and put back as it was."""
    graph = affine_graph()
    graph.module.train()
    trial = list(trials(graph))[3]
    given = reference_outputs(graph, trial)
    assert graph.module.training
    with torch.no_grad():
        expected = Affine().eval()(torch.from_numpy(trial.inputs[0]))
    np.testing.assert_array_equal(given[0], expected.numpy())


def test_gives_every_output_of_a_step() -> None:
    """Several inputs and outputs keep their order."""
    graph = step_graph()
    outputs = reference_outputs(graph, list(trials(graph))[3])
    assert [output.shape for output in outputs] == [(3, 65), (3, 16), (3, 16)]


@pytest.mark.parametrize(
    ("after", "name"),
    TRAINING,
)
def test_refuses_what_still_trains_in_evaluation_mode(after: After, name: str) -> None:
    """The function is named with the line that calls it, and what to write instead."""
    with pytest.raises(TrainingMode, match=rf"^{name} runs in training mode.*line \d+(.|\n)*training=self\.training"):
        _run(after)


@pytest.mark.parametrize(
    "after",
    EVALUATING,
)
def test_lets_evaluation_pass(after: After) -> None:
    """The same functions, told not to train, are run."""
    assert _run(after)[0].shape == (1, 8)


@pytest.mark.parametrize(
    ("after", "name"),
    RANDOM,
)
def test_refuses_random_numbers(after: After, name: str) -> None:
    """A network that draws noise itself cannot give the same answer twice."""
    with pytest.raises(NetworkError, match=rf"^{name} draws random numbers.*line \d+(.|\n)*an input of the network"):
        _run(after)


@pytest.mark.parametrize(("after", "shape"), ROWLESS)
def test_refuses_outputs_without_one_row_a_row(after: After, shape: str) -> None:
    """An output that does not follow the batch is named with its shape."""
    with pytest.raises(
        FrozenAxis, match=rf'output "y": its shape is {shape} for a batch of 1; axis 0 must be the batch'
    ):
        _run(after)


def test_says_where_a_network_fails_by_itself() -> None:
    """The size, the shapes, the network's own message and the line come together."""

    def refuse_one(x: Tensor, y: Tensor) -> Tensor:
        return y.view(5, -1)

    with pytest.raises(
        NetworkError, match=r"fails at batch 1, random inputs \(x \(1, 8\)\).*invalid for input.*view\(5"
    ):
        _run(refuse_one)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (IndexError("index out of range in self"), "bounds are the lowest and the highest that occur, both included"),
        (TypeError("forward() missing 1 required positional argument: 'z'"), "Describe every input of forward"),
        (RuntimeError("shapes cannot be multiplied"), "must be taken from the input"),
    ],
)
def test_advises_by_the_kind_of_failure(error: Exception, advice: str) -> None:
    """An index beyond its table is no matter of lengths."""

    def fail(x: Tensor, y: Tensor) -> Tensor:
        raise error

    with pytest.raises(NetworkError, match=advice):
        _run(fail)


def test_refuses_outputs_that_are_no_tensors_or_unnamed() -> None:
    """What a network returns must be tensors, each with a name."""

    class Odd(nn.Module):
        def __init__(self, answer: object) -> None:
            super().__init__()
            self.answer = answer

        def forward(self, x: Tensor) -> object:
            return self.answer

    spec = (InputSpec("x", "float32", ("batch", 8)),)
    for answer, said in (
        ("yes", "returns str"),
        ((torch.ones(1), torch.ones(1)), "outputs named: 1, returned by the network: 2"),
    ):
        graph = GraphBlueprint(Odd(answer), spec, ("y",))
        with pytest.raises(NetworkError, match=said):
            reference_outputs(graph, next(trials(graph)))
