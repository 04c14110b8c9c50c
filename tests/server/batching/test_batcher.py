"""Requests through real threads and a session that the test holds: who is answered, with what, and who is not run."""

import asyncio
import time
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium_server.batching.batcher import Batcher, Run
from podium_server.errors import DeadlineExceeded, InvalidArgument, NotReady, Overloaded, RunFailed

from tests.server.batching.conftest import MakeBatcher
from tests.server.fakes import Counts, Doubler, HeldDoubler, Rows, rows, signature

PAST = 0.0  # of the monotonic clock: long ago


def answer(run: Run) -> list[float]:
    return [float(y) for y in run.outputs[0].ravel()]


def start(batcher: Batcher, *values: float, **options: Any) -> "asyncio.Task[Run]":
    return asyncio.get_running_loop().create_task(batcher.run(rows(*values), **options))


async def queued(batcher: Batcher, num_rows: int) -> None:
    """Let tasks that were just started reach the queue."""
    await asyncio.sleep(0)
    assert batcher.waiting_rows == num_rows


async def occupied(batcher: Batcher, held: HeldDoubler) -> "asyncio.Task[Run]":
    """Fill one session with a request of its own."""
    task = start(batcher, -1)
    await held.begun()
    return task


async def test_200_concurrent_callers_get_their_own_rows(make_batcher: MakeBatcher, counts: Counts) -> None:
    """However requests of one to seven rows are batched and split, each gets its rows, in order."""
    batcher = make_batcher(Doubler(), max_batch_rows=5, num_sessions=2)
    wanted = [[1000.0 * caller + row for row in range(caller % 7 + 1)] for caller in range(200)]
    runs = await asyncio.gather(*(batcher.run(rows(*values)) for values in wanted))
    assert [answer(run) for run in runs] == [[2 * value for value in values] for values in wanted]
    assert sum(num_rows for _, num_rows in counts.runs) == sum(map(len, wanted))
    assert max(num_rows for _, num_rows in counts.runs) <= 5


async def test_lone_caller_waits_for_nobody(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """A run of one row begins while nothing else was ever sent."""
    task = start(make_batcher(held), 1)
    await held.begun()
    held.let_go()
    assert answer(await task) == [2]


async def test_next_run_takes_everybody_who_waits(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """What came while a session was busy shares its next run, up to the most rows."""
    batcher = make_batcher(held, max_batch_rows=3)
    first = await occupied(batcher, held)
    others = [start(batcher, value) for value in (1, 2, 3, 4)]
    await queued(batcher, 4)
    held.open()
    await asyncio.gather(first, *others)
    assert [len(batch) for batch in held.batches] == [1, 3, 1]


async def test_sessions_run_side_by_side(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """A second session begins a run while the first is in one."""
    batcher = make_batcher(held, num_sessions=2)
    first, second = await occupied(batcher, held), await occupied(batcher, held)
    held.let_go(2)
    assert [answer(run) for run in await asyncio.gather(first, second)] == [[-2], [-2]]


async def test_caller_who_leaves_in_mid_run_costs_the_others_nothing(
    make_batcher: MakeBatcher, held: HeldDoubler, counts: Counts
) -> None:
    """The run goes on, its other callers get their rows, and the loop lives on."""
    batcher = make_batcher(held)
    first = await occupied(batcher, held)
    tasks = [start(batcher, value) for value in (1, 2, 3)]
    await queued(batcher, 3)
    held.let_go()
    await first
    await held.begun()
    tasks[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    held.open()
    assert [answer(run) for run in await asyncio.gather(tasks[0], tasks[2])] == [[2], [6]]
    assert answer(await batcher.run(rows(7))) == [14]
    assert counts.num_cancelled == 1


async def test_caller_who_leaves_before_a_run_is_never_run(
    make_batcher: MakeBatcher, held: HeldDoubler, counts: Counts
) -> None:
    """Its rows leave the queue at once and never reach the session."""
    batcher = make_batcher(held)
    first = await occupied(batcher, held)
    leaving, staying = start(batcher, 1), start(batcher, 2)
    await queued(batcher, 2)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert batcher.waiting_rows == 1
    held.open()
    await asyncio.gather(first, staying)
    assert held.seen == [-1, 2]
    assert counts.num_cancelled == 1
    assert counts.num_run == 2


async def test_full_queue_answers_at_once(make_batcher: MakeBatcher, held: HeldDoubler, counts: Counts) -> None:
    """The refusal needs no session: the only one is held all the while."""
    batcher = make_batcher(held, max_waiting_rows=2)
    first = await occupied(batcher, held)
    waiting = start(batcher, 1, 2)
    await queued(batcher, 2)
    with pytest.raises(Overloaded, match="2 rows are waiting of at most 2"):
        await batcher.run(rows(3))
    assert counts.num_refused == 1
    held.open()
    await asyncio.gather(first, waiting)
    assert held.seen == [-1, 1, 2]


async def test_rows_that_are_still_being_made_have_their_room(
    make_batcher: MakeBatcher, held: HeldDoubler, counts: Counts
) -> None:
    """Who comes meanwhile is refused, and they are not; rows that cannot be made give their room back."""
    batcher = make_batcher(held, max_waiting_rows=2)
    first = await occupied(batcher, held)
    with pytest.raises(InvalidArgument), batcher.reserve(2):
        raise InvalidArgument("images[0]: is no picture", "images[0]")
    with batcher.reserve(2):
        with pytest.raises(Overloaded, match="2 rows are waiting of at most 2"):
            await batcher.run(rows(3))
        with pytest.raises(Overloaded), batcher.reserve(1):
            pass
    made = start(batcher, 1, 2)
    await queued(batcher, 2)
    assert counts.num_refused == 2
    held.open()
    await asyncio.gather(first, made)
    assert held.seen == [-1, 1, 2]


async def test_refused_caller_is_told_when_the_queue_will_be_empty(
    make_batcher: MakeBatcher, held: HeldDoubler
) -> None:
    """As long as the rows that wait will take, at the pace of the rows that ran: here of one run of one row."""
    batcher = make_batcher(held, max_batch_rows=1, max_waiting_rows=3)
    task = await occupied(batcher, held)
    held.let_go()
    pace_s = (await task).run_s
    running, waiting = await occupied(batcher, held), start(batcher, 1, 2, 3)
    await queued(batcher, 3)
    with pytest.raises(Overloaded) as refusal:
        await batcher.run(rows(4))
    assert refusal.value.retry_after_s == pytest.approx(3 * pace_s)
    assert pace_s > 0
    held.open()
    await asyncio.gather(running, waiting)


async def test_request_in_parts_is_refused_as_a_whole(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """None of its parts is run where not all have room."""
    batcher = make_batcher(held, max_batch_rows=1, max_waiting_rows=3)
    first, waiting = await occupied(batcher, held), start(batcher, 1)
    await queued(batcher, 1)
    with pytest.raises(Overloaded):
        await batcher.run(rows(7, 8, 9))
    held.open()
    await asyncio.gather(first, waiting)
    assert held.seen == [-1, 1]


async def test_passed_deadline_is_told_while_every_session_is_busy(
    make_batcher: MakeBatcher, held: HeldDoubler, counts: Counts
) -> None:
    """The timer tells the caller, and the request is not run afterwards either."""
    batcher = make_batcher(held)
    first = await occupied(batcher, held)
    with pytest.raises(DeadlineExceeded, match="was not run"):
        await batcher.run(rows(1), deadline=time.monotonic() + 0.01)
    assert batcher.waiting_rows == 0
    held.open()
    await first
    assert held.seen == [-1]
    assert counts.num_expired == 1
    assert counts.num_cancelled == 0


async def test_request_that_comes_too_late_is_never_run(make_batcher: MakeBatcher, counts: Counts) -> None:
    """A free session does not save a deadline that has passed, however many come."""
    session = Doubler()
    batcher = make_batcher(session, num_sessions=2)
    late = [batcher.run(rows(1), deadline=PAST) for _ in range(50)]
    outcomes = await asyncio.gather(*late, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DeadlineExceeded}
    assert session.batches == []
    assert counts.num_expired == 50


async def test_deadline_ahead_changes_nothing(make_batcher: MakeBatcher, counts: Counts) -> None:
    """A request with time to spare is answered, and its timer is gone."""
    batcher = make_batcher(Doubler())
    assert answer(await batcher.run(rows(1), deadline=time.monotonic() + 1000)) == [2]
    assert counts.num_expired == 0


async def test_request_in_parts_expires_once(make_batcher: MakeBatcher, held: HeldDoubler, counts: Counts) -> None:
    """It is one request to its caller and to the counter."""
    batcher = make_batcher(held, max_batch_rows=1)
    first = await occupied(batcher, held)
    with pytest.raises(DeadlineExceeded):
        await batcher.run(rows(1, 2, 3), deadline=time.monotonic() + 0.01)
    held.open()
    await first
    assert held.seen == [-1]
    assert counts.num_expired == 1


async def test_more_rows_than_a_run_takes_are_split_and_joined(make_batcher: MakeBatcher) -> None:
    """Ten rows in runs of at most four come back as ten, in order, with the time of all runs."""
    session = Doubler()
    batcher = make_batcher(session, max_batch_rows=4, num_sessions=2)
    run = await batcher.run(rows(*range(10)))
    assert answer(run) == [2.0 * i for i in range(10)]
    assert sorted(len(batch) for batch in session.batches) == [2, 4, 4]
    assert run.run_s >= 0
    assert run.queue_s >= 0


class Picky(Doubler):
    """Fails on any batch that holds a row of 13."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        answer = super().run(inputs)
        if 13 in inputs[0]:
            raise self.error
        return answer


class Unspeakable(BaseException):
    """What a library in another language raises past `except Exception`."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        MemoryError(),
        StopIteration(3),
        asyncio.CancelledError(),
        SystemExit(1),
        Unspeakable("panic"),
        OSError(5, "secret path /srv"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_bad_input_fails_only_itself(
    make_batcher: MakeBatcher, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the provider raises: its neighbours in the batch are answered, and so is who comes next."""
    batcher = make_batcher(Picky(error), max_batch_rows=8)
    outcomes = await asyncio.gather(*(batcher.run(rows(value)) for value in (11, 12, 13, 14)), return_exceptions=True)
    (failure,) = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert isinstance(failure, RunFailed)
    assert "secret" not in failure.message
    assert [answer(o) for o in outcomes if isinstance(o, Run)] == [[22], [24], [28]]
    assert answer(await batcher.run(rows(1))) == [2]
    assert "a run failed" in caplog.text


@pytest.mark.parametrize("error", [RunFailed("node Reshape: {3} to {7}"), InvalidArgument("not UTF-8", "x")])
async def test_errors_with_words_for_the_caller_arrive_as_they_are(
    make_batcher: MakeBatcher, error: RunFailed | InvalidArgument
) -> None:
    """A session's own error keeps its class and message."""
    with pytest.raises(type(error)) as failure:
        await make_batcher(Picky(error)).run(rows(13))
    assert failure.value is error


async def test_failing_part_fails_its_request_once(make_batcher: MakeBatcher, caplog: pytest.LogCaptureFixture) -> None:
    """One error for the caller; what the other parts came to leaves no trace in asyncio's log."""
    batcher = make_batcher(Picky(ValueError("no")), max_batch_rows=1)
    with pytest.raises(RunFailed):
        await batcher.run(rows(1, 13, 2, 13, 13))
    await batcher.close()
    assert "never retrieved" not in caplog.text


async def test_parts_not_yet_run_are_dropped_when_one_fails(make_batcher: MakeBatcher) -> None:
    """A request that cannot be answered any more costs no further run."""

    class FailsFirst(HeldDoubler):
        def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
            super().run(inputs)
            raise ValueError("no")

    session = FailsFirst()
    batcher = make_batcher(session, max_batch_rows=1)
    task = start(batcher, 1, 2, 3, 4, 5, 6)
    await session.begun()
    session.let_go()
    with pytest.raises(RunFailed):
        await task
    assert batcher.waiting_rows == 0
    session.open()
    await batcher.close()
    # The second part may have begun before the first one's error was told.
    assert session.seen in ([1], [1, 2])


class Losing(Doubler):
    """Loses a row of each batch of several: an output of a length that depends on the data."""

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        (output,) = super().run(inputs)
        return (output[1:] if len(output) > 1 else output,)


async def test_output_of_another_length_is_never_handed_to_the_wrong_caller(make_batcher: MakeBatcher) -> None:
    """When a batch's outputs are not its rows, each request is run alone instead of shifting everybody's rows."""
    batcher = make_batcher(Losing(), max_batch_rows=8)
    runs = await asyncio.gather(*(batcher.run(rows(value)) for value in (1, 2, 3, 4)))
    assert [answer(run) for run in runs] == [[2], [4], [6], [8]]


async def test_shapes_that_differ_are_not_mixed(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """Requests of one shape share a run; another shape waits for the next."""
    batcher = make_batcher(held, signature("length"), max_batch_rows=8)
    one, two = np.ones((1, 3), np.float32), np.ones((1, 5), np.float32)
    first = asyncio.ensure_future(batcher.run((one,)))
    await held.begun()
    others = [asyncio.ensure_future(batcher.run((x,))) for x in (one, two, one, two)]
    await queued(batcher, 4)
    held.open()
    runs = await asyncio.gather(first, *others)
    assert [batch.shape for batch in held.batches] == [(1, 3), (2, 3), (2, 5)]
    assert [run.outputs[0].shape for run in runs] == [(1, 3), (1, 3), (1, 5), (1, 3), (1, 5)]


async def test_graph_without_a_batch_axis_runs_each_request_as_it_is(make_batcher: MakeBatcher) -> None:
    """Nothing is joined, split or sliced; a scalar goes through."""
    session = Doubler()
    batcher = make_batcher(session, signature(batched=False), max_batch_rows=1)
    inputs = [np.array(3, np.float32), np.ones((7, 2), np.float32)]
    runs = await asyncio.gather(*(batcher.run((x,)) for x in inputs))
    assert [run.outputs[0].shape for run in runs] == [(), (7, 2)]
    assert len(session.batches) == 2


async def test_request_of_no_rows_is_answered(make_batcher: MakeBatcher) -> None:
    """An empty tensor is a request like any other."""
    run = await make_batcher(Doubler()).run(rows())
    assert run.outputs[0].shape == (0, 1)


async def test_requests_of_no_rows_fill_the_queue_too(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """Every request costs something while it waits: a queue full of empty ones refuses as well."""
    batcher = make_batcher(held, max_waiting_rows=10)
    first = await occupied(batcher, held)
    tasks = [asyncio.ensure_future(batcher.run(rows())) for _ in range(50)]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert {type(task.exception()) for task in done} == {Overloaded}
    held.open()
    outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert [o.outputs[0].shape for o in outcomes[1:] if isinstance(o, Run)] == [(0, 1)] * 10


async def test_urgent_requests_overtake(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """1 comes before the usual 5, which 0 means; more than 9 counts as 9."""
    batcher = make_batcher(held, max_batch_rows=1)
    first = await occupied(batcher, held)
    tasks = [start(batcher, value, priority=value) for value in (2**40, 9, 0, 5, 1)]
    await queued(batcher, 5)
    held.open()
    await asyncio.gather(first, *tasks)
    assert held.seen == [-1, 1, 0, 5, 2**40, 9]


async def test_close_answers_what_was_accepted_and_takes_nothing_new(
    make_batcher: MakeBatcher, held: HeldDoubler
) -> None:
    """Waiting requests are run and answered; a new one is told that the model is being unloaded."""
    batcher = make_batcher(held, max_batch_rows=2)
    first = await occupied(batcher, held)
    waiting = [start(batcher, value) for value in range(5)]
    await queued(batcher, 5)
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.sleep(0)
    with pytest.raises(NotReady, match="being unloaded"):
        await batcher.run(rows(1))
    assert not closing.done()
    held.open()
    await closing
    assert [answer(run) for run in await asyncio.gather(first, *waiting)] == [[-2], [0], [2], [4], [6], [8]]


async def test_close_waits_for_a_run_whose_callers_all_left(make_batcher: MakeBatcher, held: HeldDoubler) -> None:
    """A session is never taken away under a run."""
    batcher = make_batcher(held)
    task = await occupied(batcher, held)
    task.cancel()
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.gather(task, return_exceptions=True)
    assert not closing.done()
    held.open()
    await closing


async def test_closing_twice_is_closing_once(make_batcher: MakeBatcher) -> None:
    """Unloading and shutting down may both want it closed."""
    batcher = make_batcher(Doubler(), num_sessions=3)
    await asyncio.gather(batcher.close(), batcher.close())
    await batcher.close()


async def test_idle_sessions_hold_no_tensors(make_batcher: MakeBatcher) -> None:
    """What a request sent and got is free once its caller lets go of it, not at the next request."""
    loop, freed = asyncio.get_running_loop(), asyncio.Semaphore(0)

    def free(_: object) -> None:
        loop.call_soon_threadsafe(freed.release)

    batcher = make_batcher(Doubler())
    inputs = rows(1)
    run = await batcher.run(inputs)
    references = [weakref.ref(array, free) for array in (inputs[0], run.outputs[0])]
    del inputs, run
    for _ in references:
        await asyncio.wait_for(freed.acquire(), 10)
