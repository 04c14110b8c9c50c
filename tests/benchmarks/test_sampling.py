"""Sampling is measured as it should be; how quick it is, is not asserted."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import torch
from podium.v1 import image_service_pb2 as wire
from podium_export.architectures.conditional_gan import ConditionalGANConfig, ConditionalGenerator, blueprint
from podium_export.assembling import Source
from podium_export.exporting import export_network
from podium_export.package import Destination

from tests.benchmarks.alone import Alone, Layout
from tests.benchmarks.comparison import SamplingComparison
from tests.benchmarks.point import Point
from tests.benchmarks.report import Report
from tests.benchmarks.sampling import decoder_path, per_sample, sampled_calls
from tests.benchmarks.subjects import ALONE, Generator

CALLS = {call.name: call for call in sampled_calls("any")}


class Counting:
    """Answers with as many pictures as are asked for, a stream's one a message, and counts them."""

    def __init__(self) -> None:
        self.models: set[str] = set()
        self.num_pictures = 0

    def handlers(self) -> grpc.GenericRpcHandler:
        """Give both methods to a server."""
        few = grpc.unary_unary_rpc_method_handler(
            self._sample, wire.SampleRequest.FromString, wire.SampleResponse.SerializeToString
        )
        many = grpc.unary_stream_rpc_method_handler(
            self._stream, wire.StreamSampleRequest.FromString, wire.StreamSampleResponse.SerializeToString
        )
        return grpc.method_handlers_generic_handler("podium.v1.ImageService", {"Sample": few, "StreamSample": many})

    def _sample(self, request: wire.SampleRequest, _context: grpc.ServicerContext) -> wire.SampleResponse:
        self._note(request.model, request.count)
        return wire.SampleResponse(pictures=[wire.Picture(png=b"-")] * request.count)

    def _stream(
        self, request: wire.StreamSampleRequest, _context: grpc.ServicerContext
    ) -> Iterator[wire.StreamSampleResponse]:
        self._note(request.model, request.count)
        for _ in range(request.count):
            yield wire.StreamSampleResponse(pictures=[wire.Picture(png=b"-")])

    def _note(self, model: str, count: int) -> None:
        self.models.add(model)
        self.num_pictures += count


@pytest.mark.parametrize("name", list(CALLS))
def test_every_way_of_asking_is_answered(name: str) -> None:
    """By a real server: the generator names the method, sends the request, and takes a whole stream for one call."""
    call, service = CALLS[name], Counting()
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((service.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    generator = Generator()
    try:
        point = generator.measure(port, os.getpid(), call.request, callers=1, seconds=0.6, path=call.path)
    finally:
        generator.close()
        server.stop(None).wait()
    assert point.num_failed == 0
    assert point.per_s > 0
    assert service.models == {"any"}
    assert service.num_pictures % call.num_samples == 0


def test_figures_of_calls_become_figures_of_samples() -> None:
    """Ten calls a second for 256 samples are 2,560; processor time is shared among them; latencies stay."""
    point = per_sample(Point(10, 90, 120, 25.6, 0.512, 3), 256)
    assert point == Point(2560, 90, 120, 0.1, 0.002, 3)


def test_ratios_of_samples_are_taken_within_each_round() -> None:
    """Against ONNX Runtime's rows of the same round; the ceiling leaves room for the load generator alone."""
    rounds = {
        ALONE: [Point(1000, 1, 1, 1.0), Point(500, 1, 1, 2.0), Point(1000, 1, 1, 1.0)],
        "podium": [Point(950, 1, 1, 1.2, 0.25), Point(475, 1, 1, 2.4, 0.5), Point(900, 1, 1, 1.3, 0.25)],
    }
    comparison = SamplingComparison("any", 4, 2, rounds)
    throughput = comparison.throughput("podium")
    assert (throughput.middle, throughput.least, throughput.greatest) == pytest.approx((0.95, 0.9, 0.95))
    assert comparison.processor("podium").middle == pytest.approx(1.2)
    # 950 samples that cost 1.0 + 0.25 ms each, of two cores' 2,000 ms.
    assert comparison.ceiling("podium").greatest == pytest.approx(950 * 1.25 / 2000)


def test_the_report_states_the_aim_of_sampling() -> None:
    """Beside the ratio that it is about."""
    rounds = {ALONE: [Point(1000, 1, 1, 1.0)], "podium Sample, PNG": [Point(950, 2, 3, 1.2, 0.25)]}
    text = Report({}, {}, [], [SamplingComparison("digits-vae", 4, 2, rounds)]).markdown()
    assert "### digits-vae, samples" in text
    assert "of ONNX Runtime (aim 0.95)" in text
    assert "| 4 | podium Sample, PNG | 0.95 (0.95–0.95) | 1.20 (1.20–1.20) |" in text


def test_a_decoder_that_takes_a_class_runs_alone(tmp_path: Path) -> None:
    """Its second input holds integers; ONNX Runtime refuses a graph that is fed anything else."""
    torch.manual_seed(0)
    network = ConditionalGenerator(ConditionalGANConfig()).eval()
    export_network(blueprint(network), Source("conditional-gan"), Destination(tmp_path, "gan"))
    point = Alone(str(decoder_path(tmp_path, "gan"))).measure(Layout(4, 1, 1), seconds=0.05)
    assert point.per_s > 0
