"""Sequences that are fed: each frame is a step of a row, whoever else has frames at the time."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium_server.errors import DeadlineExceeded, NotReady, Overloaded, RunFailed
from podium_server.generation.generator import Generator
from podium_server.generation.job import Fed, FeedJob, Finish
from podium_server.generation.step_compiler import compile_step
from podium_server.generation.step_graph import StepGraph

from tests.server.generation.fake_steps import Counts, HeldStep
from tests.server.generation.networks import spec

POISON = 99.0
Arrays = tuple[NDArray[Any], ...]
Open = Callable[..., Generator]


def manifest() -> pb.ModelManifest:
    """A step graph that reads frames of two numbers."""
    step = pb.Graph(
        name="step",
        file="step.onnx",
        batch_axis="batch",
        inputs=[spec("frame", ("batch", "time", 2)), spec("total", ("batch", 2))],
        outputs=[spec("logits", ("batch", 2)), spec("next_total", ("batch", 2))],
    )
    states = [pb.StepState(input="total", output="next_total")]
    return pb.ModelManifest(task=pb.TASK_VIDEO_CLASSIFICATION, graphs=[step], video=pb.Video(states=states))


class Summing:
    """A network whose logits are the sum of the frames so far; a run with POISON fails whole. Keeps its runs' sizes."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, inputs: Sequence[NDArray[Any]]) -> Arrays:
        """Run at once."""
        frames, total = inputs
        self.sizes.append(len(frames))
        if (frames == POISON).any():
            raise RuntimeError("poisoned")
        after = total + frames.sum(axis=1, dtype=np.float32)
        return after, after


class HeldSumming(HeldStep):
    """The same, whose runs end only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.summing = Summing()
        self.manifest = manifest()

    def run(self, inputs: Sequence[NDArray[Any]]) -> Arrays:
        """Run when let go."""
        self._begun.release()
        assert self._go.acquire(timeout=30), "the test never let this run go"
        return self.summing.run(inputs)


@pytest.fixture
async def engine(counts: Counts) -> Any:
    """Make an engine of a network; at the end it is closed, and nothing is left in it."""
    before = set(threading.enumerate())
    made: list[tuple[Generator, Any]] = []

    def make(network: Any, *, max_rows: int = 64, max_waiting: int = 100) -> Generator:
        graph = StepGraph(network, compile_step(manifest()))
        generator = Generator(graph, max_rows=max_rows, max_waiting=max_waiting, drain_s=60, observer=counts)
        made.append((generator, network))
        return generator

    yield make
    for generator, network in made:
        if isinstance(network, HeldSumming):
            network.open()
        await generator.close()
        assert generator.num_open == generator.num_running == generator.num_waiting == 0
    left = {thread for thread in set(threading.enumerate()) - before if thread.name == "generator"}
    assert not left, "threads outlived their generator"


def frames(*values: float) -> NDArray[np.float32]:
    """Frames of two equal numbers."""
    return np.array([[value, value] for value in values], np.float32)


async def outputs(fed: Fed, count: int) -> list[float]:
    """Wait for so many outputs; their first numbers."""
    found: list[float] = []
    while len(found) < count:
        found += [float(output[0]) for output in (await fed.gather()).outputs]
    return found


async def until_open(generator: Generator, count: int) -> None:
    """Wait until the engine's thread has let go of all but so many."""
    while generator.num_open > count:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)


async def to_end(fed: Fed) -> tuple[list[float], Finish]:
    """Wait for the end; what came until then."""
    found: list[float] = []
    while True:
        gathered = await fed.gather()
        found += [float(output[0]) for output in gathered.outputs]
        if gathered.finish is not None:
            return found, gathered.finish


async def test_each_frame_has_its_output_in_order_and_states_go_on(engine: Open) -> None:
    """The output after a frame is that of all frames until then, fed one by one or together."""
    fed = engine(Summing()).open(FeedJob())
    fed.feed(frames(1))
    assert await outputs(fed, 1) == [1]
    fed.feed(frames(2, 3, 4))
    assert await outputs(fed, 3) == [3, 6, 10]
    fed.finish()
    assert await to_end(fed) == ([], Finish.END)


async def test_a_clip_that_is_fed_whole_is_read_to_its_end(engine: Open) -> None:
    """Frames that were there before the finish are all read."""
    fed = engine(Summing()).open(FeedJob())
    fed.feed(frames(*range(50)))
    fed.finish()
    assert await to_end(fed) == (np.cumsum(range(50)).tolist(), Finish.END)


async def test_sequences_share_runs_and_each_gets_its_own(engine: Open) -> None:
    """Frames of 32 sequences that wait at the same time are one run."""
    network = HeldSumming()
    generator = engine(network)
    first = generator.open(FeedJob())
    first.feed(frames(1))
    await network.begun()
    others = [generator.open(FeedJob()) for _ in range(32)]
    for number, fed in enumerate(others):
        fed.feed(frames(number))
    network.open()
    assert [await outputs(fed, 1) for fed in others] == [[float(number)] for number in range(32)]
    assert network.summing.sizes == [1, 32]


async def test_more_sequences_than_rows_take_turns(engine: Open) -> None:
    """No run is larger than allowed, and everybody is answered."""
    network = Summing()
    generator = engine(network, max_rows=4)
    opened = [generator.open(FeedJob()) for _ in range(10)]
    for number, fed in enumerate(opened):
        fed.feed(frames(number, 1, 1))
    assert [await outputs(fed, 3) for fed in opened] == [[n, n + 1.0, n + 2.0] for n in range(10)]
    assert max(network.sizes) <= 4
    assert generator.num_open == 10


async def test_idle_sequences_take_part_in_no_run(engine: Open) -> None:
    """A hundred open streams without frames cost a lone one nothing: its runs have one row."""
    network = Summing()
    generator = engine(network, max_rows=4)
    idle = [generator.open(FeedJob()) for _ in range(100)]
    fed = generator.open(FeedJob())
    fed.feed(frames(1, 2))
    assert await outputs(fed, 2) == [1, 3]
    assert network.sizes == [1, 1]
    assert generator.num_running == generator.num_waiting == 0
    for each in idle:
        each.cancel()


async def test_a_sequence_that_is_cancelled_leaves_nothing(engine: Open, counts: Counts) -> None:
    """Frames that it had left are not read, and its place is free again."""
    network = HeldSumming()
    generator = engine(network)
    fed, other = generator.open(FeedJob()), generator.open(FeedJob())
    fed.feed(frames(*range(100)))
    await network.begun()
    fed.cancel()
    assert (await fed.gather()).finish is Finish.CANCELLED
    network.open()
    other.feed(frames(7))
    assert await outputs(other, 1) == [7]
    await until_open(generator, 1)
    assert counts.num_cancelled == 1
    assert len(network.summing.sizes) <= 3


async def test_a_frame_that_fails_ends_its_own_sequence_alone(engine: Open) -> None:
    """A run that fails is run again row by row."""
    network = HeldSumming()
    generator = engine(network)
    first, bad, good = (generator.open(FeedJob()) for _ in range(3))
    first.feed(frames(1))
    await network.begun()
    bad.feed(frames(POISON))
    good.feed(frames(5))
    network.open()
    assert await outputs(good, 1) == [5]
    with pytest.raises(RunFailed):
        await bad.gather()
    good.feed(frames(6))
    assert await outputs(good, 1) == [11]


async def test_closing_answers_what_is_there_and_ends_who_is_idle(engine: Open) -> None:
    """An idle stream does not hold up the end, and a new one is refused."""
    generator = engine(Summing())
    idle, busy = generator.open(FeedJob()), generator.open(FeedJob())
    busy.feed(frames(1, 2))
    await generator.close()
    assert await to_end(busy) == ([1, 3], Finish.CANCELLED)
    assert await to_end(idle) == ([], Finish.CANCELLED)
    with pytest.raises(NotReady):
        generator.open(FeedJob())


async def test_too_many_open_sequences_are_refused(engine: Open, counts: Counts) -> None:
    """As many may be open as rows run and wait."""
    generator = engine(Summing(), max_rows=2, max_waiting=3)
    opened = [generator.open(FeedJob()) for _ in range(5)]
    with pytest.raises(Overloaded, match="5 streams are open"):
        generator.open(FeedJob())
    assert counts.num_refused == 1
    opened[0].cancel()
    await until_open(generator, 4)
    generator.open(FeedJob())


async def test_a_deadline_ends_a_sequence_that_is_idle(engine: Open, counts: Counts) -> None:
    """The timer tells the caller."""
    generator = engine(Summing())
    fed = generator.open(FeedJob(deadline=0.0))
    with pytest.raises(DeadlineExceeded):
        await fed.gather()
    await until_open(generator, 0)
    assert counts.num_expired == 1


def test_a_step_graph_of_frames_says_what_a_frame_is() -> None:
    """The plan has the frame's type and shape, and the number of classes."""
    plan = compile_step(manifest())
    assert plan.frame is not None
    assert (plan.frame.dtype, plan.frame.shape, plan.vocabulary_size) == (np.dtype(np.float32), (2,), 2)


def test_a_frame_with_an_open_length_is_refused() -> None:
    """The message says what would be right."""
    wrong = manifest()
    wrong.graphs[0].inputs[0].shape[2].axis = "width"
    with pytest.raises(ValueError, match=r"input 'frame' .* fixed lengths after the two"):
        compile_step(wrong)
