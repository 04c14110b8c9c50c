"""What rows of a step graph do to one another is found out at every length that a run can have."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium_server.generation.step_compiler import compile_step
from podium_server.generation.step_graph import Rows, StepGraph
from podium_server.generation.step_warmup import couple_steps, sample_rows
from podium_server.warmup import RowCoupling

from tests.server.generation.conftest import step_graph
from tests.server.generation.networks import H, attentive_gru, lstm, step_manifest

Change = Callable[[NDArray[Any], int], NDArray[Any]]
MANIFEST = step_manifest([("h", (1, "batch", 4))], vocabulary=4)


class Changed:
    """The state is the sum of itself and the token; a function of it and of the number of tokens read is the logits."""

    def __init__(self, change: Change) -> None:
        self._change = change
        self.num_rows: list[int] = []

    def run(self, inputs: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Run at once."""
        tokens, h = inputs
        self.num_rows.append(len(tokens))
        after = (h + tokens.sum(axis=1, dtype=np.float32)[None, :, None]).astype(np.float32)
        return self._change(after[0], tokens.shape[1]), after


def rounding(x: NDArray[Any], length: int) -> NDArray[Any]:
    """The last bits of many rows differ, but only in prompts of 32."""
    return np.nextafter(x, np.float32(100)) if len(x) > 2 and length == 32 else x


CHANGES: list[tuple[Change, RowCoupling]] = [
    (lambda x, _: 2 * x, RowCoupling.NONE),
    (rounding, RowCoupling.ROUNDING),
    (lambda x, length: x - x.mean(axis=0) if length == 1 else x, RowCoupling.MIXED),
    (lambda x, length: x[::-1] if length == 8 else x, RowCoupling.MIXED),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_coupling_is_found_at_any_length(change: Change, expected: RowCoupling) -> None:
    """One token or a piece of a prompt, the batch on axis 1 of the state."""
    graph = StepGraph(Changed(change), compile_step(MANIFEST))
    sample = sample_rows(graph.plan, {"h": np.ones((1, 1, 4), np.float32)})
    assert couple_steps(graph, sample) is expected


def test_rows_that_round_one_another_are_run_one_by_one() -> None:
    """One run a row, and the same bytes however many there are."""
    session = Changed(rounding)
    graph = StepGraph(session, compile_step(MANIFEST), alone=True)
    h = np.random.default_rng(0).standard_normal((1, 5, 4)).astype(np.float32)
    tokens = np.ones((5, 32), np.int64)
    together = graph.run(Rows(tokens, (h,), ()))
    assert session.num_rows == [1] * 5
    for row in range(5):
        alone = graph.run(Rows(tokens[:1], (np.ascontiguousarray(h[:, row : row + 1]),), ()))
        assert alone.logits.tobytes() == together.logits[row : row + 1].tobytes()
        assert alone.states[0].tobytes() == np.ascontiguousarray(together.states[0][:, row : row + 1]).tobytes()


def test_recurrent_networks_do_not_couple_their_rows() -> None:
    """The promise of equal bytes, tried on ONNX Runtime's LSTM and GRU."""
    random = np.random.default_rng(0)
    for network, golden in (
        (lstm(), {f"{kind}{i}": random.standard_normal((2, H)).astype(np.float32) for i in range(2) for kind in "hc"}),
        (
            attentive_gru(),
            {"h": np.ones((1, 1, H), np.float32), "memory": random.standard_normal((1, 5, H)).astype(np.float32)},
        ),
    ):
        graph = step_graph(network)
        assert couple_steps(graph, sample_rows(graph.plan, golden)) is RowCoupling.NONE
