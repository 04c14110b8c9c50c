"""The table of the lecture's LeNet-5."""

from pathlib import Path

import pytest
from podium_export.inspection.examined import ExaminedGraph, examine
from podium_export.inspection.opened import open_path
from podium_export.inspection.report import layer_cells

LECTURE = """
| input | 1×28×28 | |
| conv, 20 filters, K 5, P 2, S 1 | 20×28×28 | 20×1×5×5 |
| ReLU | 20×28×28 | |
| max pool, K 2, S 2 | 20×14×14 | |
| conv, 50 filters, K 5, P 2, S 1 | 50×14×14 | 50×20×5×5 |
| ReLU | 50×14×14 | |
| max pool, K 2, S 2 | 50×7×7 | |
| flatten | 2450 | |
| linear | 500 | 2450×500 |
| ReLU | 500 | |
| linear | 10 | 500×10 |
"""

# 5 = 1 + (5 − 1); 6 = 5 + (2 − 1); 14 = 6 + 2·(5 − 1); 16 = 14 + 2·(2 − 1)
FIELDS = ["1×1", "5×5", "5×5", "6×6", "14×14", "14×14", "16×16", "16×16", *["whole input"] * 3]


@pytest.fixture(scope="module")
def graph(repository: Path) -> ExaminedGraph:
    """Give the one graph of `digits`."""
    return examine(open_path(repository / "digits")).graphs[0]


def test_rows_are_the_lectures(graph: ExaminedGraph) -> None:
    """Layer, output and weights without biases, word for word."""
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in LECTURE.strip().splitlines()]
    assert [list(layer_cells(layer)[:3]) for layer in graph.layers] == rows


def test_receptive_fields_follow_the_lectures_formula(graph: ExaminedGraph) -> None:
    """Strides and pooling multiply what later layers add; a linear layer on everything sees everything."""
    assert [layer_cells(layer)[3] for layer in graph.layers] == FIELDS


def test_parameters_are_weights_and_biases(graph: ExaminedGraph) -> None:
    """Products of the table's sizes, and one bias a filter or feature."""
    weights = 20 * 1 * 5 * 5 + 50 * 20 * 5 * 5 + 2450 * 500 + 500 * 10
    assert graph.num_parameters == weights + 20 + 50 + 500 + 10
