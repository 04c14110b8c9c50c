"""Small real models of time series, whose answers follow from a formula.

Two channels. The encoder gives the mean of each channel's values, and half of it as standard deviation; the decoder
solves dz/dt = rate · z exactly: z(t) = z · e^(rate · t).
"""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper
from podium.v1 import model_manifest_pb2 as pb

from tests.server.pictures.models import F32, I64, Axes, Graph, write_model

CHANNELS = [pb.Channel(name="heat", unit="K", offset=10, scale=2), pb.Channel(name="flow", unit="l/s", scale=1)]
GOLDEN_TIMES = np.array([[0.0, 0.5, 1.0]] * 2, np.float32)


def encoder() -> Graph:
    """Mean and half of it, over what is observed."""
    nodes = [
        helper.make_node("Mul", ["value", "mask"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "axis"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "axis"], ["number"], keepdims=0),
        helper.make_node("Max", ["number", "one"], ["some"]),
        helper.make_node("Div", ["sum", "some"], ["mean"]),
        helper.make_node("Mul", ["mean", "half"], ["halved"]),
        helper.make_node("Abs", ["halved"], ["standard_deviation"]),
    ]
    values = np.array([[[1, 2], [3, 4]], [[0, 1], [5, 0]]], np.float32)
    mask = np.ones_like(values)
    mean = values.mean(axis=1)
    golden: dict[str, Any] = {
        "time": GOLDEN_TIMES[:, :2],
        "value": values,
        "mask": mask,
        "count": np.array([2, 2]),
        "mean": mean,
        "standard_deviation": np.abs(mean / 2),
    }
    observed: Axes = ("batch", "observed", 2)
    return Graph(
        nodes,
        {
            "time": (("batch", "observed"), F32),
            "value": (observed, F32),
            "mask": (observed, F32),
            "count": (("batch",), I64),
        },
        {"mean": (("batch", 2), F32), "standard_deviation": (("batch", 2), F32)},
        golden,
        {"axis": np.array([1]), "one": np.array(1, np.float32), "half": np.array(0.5, np.float32)},
    )


def decoder(rate: float) -> Graph:
    """z · e^(rate · t)."""
    nodes = [
        helper.make_node("Mul", ["time", "rate"], ["a"]),
        helper.make_node("Exp", ["a"], ["b"]),
        helper.make_node("Unsqueeze", ["b", "last"], ["c"]),
        helper.make_node("Unsqueeze", ["latent", "middle"], ["d"]),
        helper.make_node("Mul", ["c", "d"], ["value"]),
    ]
    latent = np.array([[1, 2], [-1, 0.5]], np.float32)
    golden: dict[str, Any] = {
        "latent": latent,
        "time": GOLDEN_TIMES,
        "grid": np.array([[0.5, 1.0]] * 2, np.float32),
        "value": np.exp(rate * GOLDEN_TIMES)[:, :, None] * latent[:, None],
    }
    return Graph(
        nodes,
        {"latent": (("batch", 2), F32), "time": (("batch", "asked"), F32), "grid": (("batch", "steps"), F32)},
        {"value": (("batch", "asked", 2), F32)},
        golden,
        {"rate": np.array(rate, np.float32), "last": np.array([2]), "middle": np.array([1])},
    )


def forecasting(**changes: Any) -> pb.Forecasting:
    """Hours, trained on a day, the network's time 1 is ten hours."""
    fields: dict[str, Any] = {
        "channels": CHANNELS,
        "time_unit": "hours",
        "time_scale": 10,
        "latent_time": pb.LATENT_TIME_FIRST_OBSERVATION,
        "horizon": 24,
        "max_reach": 96,
        "latent_size": 2,
        "solver": pb.Solver(method="rk4", step=0.5, max_error=1e-6, tolerance=1e-4, reference="the formula"),
    }
    return pb.Forecasting(**(fields | changes))


def write_forecaster(folder: Path, rate: float, **changes: Any) -> None:
    """Write a version folder."""
    graphs = {"encoder": encoder(), "decoder": decoder(rate)}
    write_model(folder, graphs, task=pb.TASK_FORECASTING, forecasting=forecasting(**changes), image_output=None)
