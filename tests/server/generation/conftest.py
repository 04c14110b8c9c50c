"""Generators that are closed when the test ends, whatever happened in it."""

import threading
from collections.abc import AsyncIterator, Callable

import pytest
from podium_server.generation.generator import Generator
from podium_server.generation.step_compiler import compile_step
from podium_server.generation.step_graph import StepGraph
from podium_server.runtime.session import Session

from tests.server.generation.fake_steps import Counts, FakeStep, HeldStep
from tests.server.generation.networks import Network

MakeGenerator = Callable[..., Generator]


def step_graph(network: "Network | FakeStep") -> StepGraph:
    """A graph that is ready to run: a real one, or a fake."""
    if isinstance(network, FakeStep):
        return StepGraph(network, compile_step(network.manifest))
    session = Session(network.onnx, providers=["CPUExecutionProvider"], num_threads=1)
    return StepGraph(session, compile_step(network.manifest))


@pytest.fixture
def counts() -> Counts:
    """What generators tell their observer."""
    return Counts()


@pytest.fixture
async def make_generator(counts: Counts) -> AsyncIterator[MakeGenerator]:
    """Make generators; at the end they are closed, and nothing of theirs may be left."""
    before = set(threading.enumerate())
    made: list[tuple[Generator, Network | FakeStep]] = []

    def make(
        network: Network | FakeStep,
        *,
        max_rows: int = 64,
        max_waiting: int = 1000,
        drain_s: float = 60.0,
        max_queue_s: float | None = None,
    ) -> Generator:
        generator = Generator(
            step_graph(network),
            max_rows=max_rows,
            max_waiting=max_waiting,
            drain_s=drain_s,
            observer=counts,
            max_queue_s=max_queue_s,
        )
        made.append((generator, network))
        return generator

    yield make
    for generator, network in made:
        if isinstance(network, HeldStep):
            network.open()
        generator.stop()
        await generator.close()
        assert generator.waiting_rows == generator.num_running == generator.num_waiting == 0
        assert generator.num_alive == 0
    left = {t for t in set(threading.enumerate()) - before if t.name.startswith("generator")}
    assert not left, "threads outlived their generator"
