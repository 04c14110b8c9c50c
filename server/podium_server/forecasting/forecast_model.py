"""What the forecast service keeps of one version: compiled once from its manifest, and refused at load if wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_server.forecasting.channels import Channels
from podium_server.forecasting.clock import Clock
from podium_server.signature import Signature, TensorSpec

ENCODER, DECODER = "encoder", "decoder"


def check_forecast_model(manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> None:
    """Raise ValueError where a package for forecasts makes no forecast model."""
    ForecastModel(manifest, signatures)


class ForecastModel:
    """A model of time series.

    Attributes:
        channels: what it measures.
        clock: its times.
        latent_size: the dimensions of a latent.
    """

    def __init__(self, manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> None:
        """Compile a manifest.

        Args:
            manifest: of a package that forecasts.
            signatures: of its graphs, by name.

        Raises:
            ValueError: manifest and signatures make no forecast model; the message begins with the field.
        """
        spec = manifest.forecasting
        if set(signatures) != {ENCODER, DECODER}:
            raise ValueError(f"graphs are {', '.join(sorted(signatures))}; they must be encoder and decoder")
        if spec.latent_size < 1:
            raise ValueError("forecasting.latent_size is 0; it must be 1 or more")
        try:
            self.channels = Channels(spec.channels)
            self.clock = Clock(spec)
        except ValueError as error:
            raise ValueError(f"forecasting.{error}") from error
        self.latent_size = spec.latent_size
        size, count = self.latent_size, len(self.channels)
        encoder = {"time": (None,), "value": (None, count), "mask": (None, count), "count": ()}
        decoder = {"latent": (size,), "time": (None,), "grid": (None,)}
        self._orders = {
            ENCODER: _check(ENCODER, signatures, encoder, {"mean": (size,), "standard_deviation": (size,)}),
            DECODER: _check(DECODER, signatures, decoder, {"value": (None, count)}),
        }

    def feed(self, graph: str, **arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Put the inputs of a graph in its own order."""
        return tuple(arrays[name] for name in self._orders[graph][0])

    def output(self, graph: str, outputs: tuple[NDArray[Any], ...], name: str) -> NDArray[np.float32]:
        """Take an output of a run by its name."""
        taken: NDArray[np.float32] = outputs[self._orders[graph][1].index(name)]
        return taken


_Axes = Mapping[str, tuple[int | None, ...]]  # by tensor, behind the batch; None: dynamic


def _check(
    name: str, signatures: Mapping[str, Signature], inputs: _Axes, outputs: _Axes
) -> tuple[list[str], list[str]]:
    """Compare a graph with its role, and give the names of its inputs and outputs in its own order."""
    signature = signatures[name]
    for side, specs, wanted in (("input", signature.inputs, inputs), ("output", signature.outputs, outputs)):
        if signature.uncarried or {spec.name for spec in specs} != set(wanted):
            raise ValueError(
                f"graph '{name}' has the {side}s {', '.join(spec.name for spec in specs)}; they must be "
                f"{', '.join(wanted)}"
            )
        for spec in specs:
            _check_tensor(name, spec, wanted[spec.name])
    return [spec.name for spec in signature.inputs], [spec.name for spec in signature.outputs]


def _check_tensor(graph: str, spec: TensorSpec, wanted: tuple[int | None, ...]) -> None:
    element = "INT64" if spec.name == "count" else "FP32"
    right = len(spec.shape) == len(wanted) + 1 and all(
        not isinstance(length, int) or length == axis for length, axis in zip(spec.shape[1:], wanted, strict=True)
    )
    if not right or spec.element.oip != element:
        axes = ", ".join("any" if axis is None else str(axis) for axis in wanted)
        raise ValueError(
            f"'{spec.name}' of graph '{graph}' is {spec.element.oip} {list(spec.shape)}; it must be {element} "
            f"(batch{', ' if axes else ''}{axes})"
        )
