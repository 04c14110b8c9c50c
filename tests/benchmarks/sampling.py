"""Pictures sampled a second: the decoder in ONNX Runtime alone, and podium's two ways of asking in two formats."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from podium.v1 import image_service_pb2 as wire

from tests.benchmarks.benchmarked_model import VERSION
from tests.benchmarks.layout_search import LayoutSearch
from tests.benchmarks.point import Point
from tests.benchmarks.subjects import ALONE, Generator, PodiumServer
from tests.benchmarks.worker import Worker

DECODER = "decoder"
CALLERS = (1, 4)
"""A call for samples asks for many, so that a few callers fill a server."""

_BATCHES = (1, 4, 16, 32, 64, 128, 256, 512)
# Many runs of the decoder, and still many calls in each window: one that ends in it counts whole.
_NUM_SAMPLES = 256
_SERVICE = "/podium.v1.ImageService"
_SEED = 7
_FORMATS = {"tensors": wire.PICTURE_FORMAT_TENSOR, "PNG": wire.PICTURE_FORMAT_PNG}


@dataclass(frozen=True, slots=True)
class SampledCall:
    """One way of asking for samples.

    Attributes:
        name: the method and the format.
        path: "/package.Service/Method".
        request: the serialised request.
        num_samples: pictures that it asks for.
    """

    name: str
    path: str
    request: bytes
    num_samples: int


def sampled_calls(model: str) -> Iterator[SampledCall]:
    """Give every way of asking a model for samples."""
    for words, form in _FORMATS.items():
        whole = wire.SampleRequest(model=model, count=_NUM_SAMPLES, seed=_SEED, format=form)
        streamed = wire.StreamSampleRequest(model=model, count=_NUM_SAMPLES, seed=_SEED, format=form)
        for method, request in (("Sample", whole), ("StreamSample", streamed)):
            name = f"podium {method}, {words}"
            yield SampledCall(name, f"{_SERVICE}/{method}", request.SerializeToString(), request.count)


def decoder_path(repository: Path, model: str) -> Path:
    """Give the file of a model's decoder; there is none of a model that does not sample."""
    return repository / model / str(VERSION) / f"{DECODER}.onnx"


class DecoderAlone:
    """A decoder in ONNX Runtime in a process of its own, at its best batch size and layout.

    Its latents are drawn before it is measured, its pictures are left as they are: nothing but the runs.
    """

    name = ALONE

    def __init__(self, onnx_path: Path, num_cores: int, search_seconds: float, tell: Callable[[str], None]) -> None:
        self._worker = Worker("tests.benchmarks.alone", [str(onnx_path)])
        self.best = LayoutSearch(self._worker, num_cores, search_seconds, tell).most_rows(_BATCHES)

    def measure(self, callers: int, seconds: float) -> Point:
        """Run the best layout, whatever the number of callers."""
        return Point(**self._worker.ask({**asdict(self.best), "seconds": seconds}))

    def close(self) -> None:
        """End the process."""
        self._worker.close()


class PodiumSampling:
    """One way of asking one model of a podium server."""

    def __init__(self, call: SampledCall, server: PodiumServer, generator: Generator) -> None:
        self.name = call.name
        self._call = call
        self._server = server
        self._generator = generator

    def measure(self, callers: int, seconds: float) -> Point:
        """Ask again and again; figures are of samples, latencies those of whole calls."""
        call, server = self._call, self._server
        point = self._generator.measure(server.port, server.pid, call.request, callers, seconds, path=call.path)
        return per_sample(point, call.num_samples)

    def close(self) -> None:
        """Leave the server to its owner."""


def per_sample(point: Point, num_samples: int) -> Point:
    """Turn figures of calls for so many samples into figures of samples; latencies and failures stay those of calls."""
    return replace(
        point,
        per_s=point.per_s * num_samples,
        cpu_s_per_1000=point.cpu_s_per_1000 / num_samples,
        generator_cpu_s_per_1000=point.generator_cpu_s_per_1000 / num_samples,
    )
