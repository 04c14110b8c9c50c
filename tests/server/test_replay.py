"""When two answers agree, and what is said when they do not."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium_server.package import GoldenCase, PackageError
from podium_server.replay import difference, replay

from tests.server.fakes import Doubler, rows, signature

INF, NAN = float("inf"), float("nan")
TOLERANCE = pb.Parity(absolute_tolerance=0.01, relative_tolerance=0.1)


def array(*values: float, dtype: str = "float32") -> NDArray[Any]:
    return np.array(values, dtype)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (array(1.0), array(1.0)),
        (array(1.109), array(1.0)),  # |a - b| <= 0.01 + 0.1·|b|
        (array(-0.009), array(0.0)),
        (array(NAN, INF, -INF), array(NAN, INF, -INF)),
        (array(2, dtype="int64"), array(2, dtype="int32")),
        (array(True, False, dtype="bool"), array(True, False, dtype="bool")),
        (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)),
        (np.array(3.0), np.array(3.0)),
        (np.array(["a", "ü"], object), np.array(["a", "ü"])),
        (array(65504, dtype="float16"), array(65504, dtype="float16")),
    ],
)
def test_values_within_the_tolerance_agree(actual: NDArray[Any], expected: NDArray[Any]) -> None:
    """NaN agrees with NaN, an infinity with itself, text with the same text, empty with empty."""
    assert not difference(actual, expected, TOLERANCE)


@pytest.mark.parametrize(
    ("actual", "expected", "problem"),
    [
        (array(1.112), array(1.0), r"the largest difference is 0\.112, where 0\.11 is allowed"),
        (array(1.0, 5.0), array(1.0, 4.0), r"the largest difference is 1, where 0\.41 is allowed"),
        (array(100.0, 0.5), array(101.0, 0.0), r"the largest difference is 0\.5, where 0\.01 is allowed"),
        (array(NAN), array(1.0), "nan"),
        (array(1.0), array(NAN), "nan"),
        (array(NAN, NAN), array(1.0, 2.0), "nan"),
        (array(INF), array(1.0), "inf"),
        (array(5.0), array(INF), "inf"),
        (array(-INF), array(INF), "inf"),
        (array(1.0, 2.0), array(1.0), r"its shape is \(2,\), and should be \(1,\)"),
        (array(1.0).reshape(1, 1), array(1.0), r"shape"),
        (np.array(["a"], object), np.array(["b"]), "strings differ"),
        (array(1.0), np.array(["1.0"]), "float32"),
        (np.array(["1.0"], object), array(1.0), "float32"),
    ],
)
def test_values_beyond_the_tolerance_are_told_apart(actual: NDArray[Any], expected: NDArray[Any], problem: str) -> None:
    """The message has the difference that is furthest beyond what is allowed there, or what differs instead."""
    assert re.search(problem, difference(actual, expected, TOLERANCE))


def case(
    inputs: Mapping[str, NDArray[Any]] | None = None,
    outputs: Mapping[str, NDArray[Any]] | None = None,
    graph: str = "model",
) -> GoldenCase:
    (x,) = rows(1, 2)
    return GoldenCase("0", graph, {"x": x} if inputs is None else inputs, {"y": 2 * x} if outputs is None else outputs)


SESSIONS = {"model": (Doubler(), signature(1))}


def test_examples_that_agree_are_counted() -> None:
    """Each is run once."""
    assert replay([case(), case()], SESSIONS, TOLERANCE) == 2


@pytest.mark.parametrize(
    ("cases", "problem"),
    [
        ([], "no example of graph 'model'"),
        ([case(graph="encoder")], "case 0 is of graph 'encoder'"),
        ([case(inputs={})], r"case 0 feeds \[\]; graph 'model' takes \['x'\]"),
        ([case(inputs={"x": rows(1)[0], "z": rows(1)[0]})], r"feeds \['x', 'z'\]"),
        ([case(outputs={})], "no output 'y'"),
        (
            [case(outputs={"y": rows(9, 9)[0]})],
            "golden example 0, graph 'model', output 'y': the largest difference is 7",
        ),
    ],
)
def test_examples_that_do_not_hold_are_refused(cases: list[GoldenCase], problem: str) -> None:
    """The message names case, graph and tensor."""
    with pytest.raises(PackageError, match=problem):
        replay(cases, SESSIONS, TOLERANCE)


def test_no_tolerance_means_equal() -> None:
    """A manifest without a parity result vouches for equality only."""
    assert not difference(array(1.5), array(1.5), pb.Parity())
    assert difference(array(1.5), array(1.5000001), pb.Parity())
