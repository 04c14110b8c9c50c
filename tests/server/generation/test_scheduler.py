"""Who runs when: fairly, within the rows there are, and prompts in pieces that their length alone decides."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium_server.generation.scheduler import PIECES, Scheduler, pieces, tail


@dataclass(eq=False)
class Fake:
    """A sequence that knows nothing but its name."""

    name: int = 0
    length: int = 1
    num_rows: int = 1
    shapes: Hashable = None
    deadline: float | None = None
    pieces: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.pieces = pieces(self.length)


def scheduler(max_rows: int = 4, max_prefill_tokens: int = 64) -> Scheduler[Fake]:
    return Scheduler(max_rows, max_prefill_tokens)


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1, []), (7, []), (8, [8]), (23, [16]), (31, [16, 8]), (32, [32]), (33, [32]), (77, [32, 32, 8])],
)
def test_prompts_are_split_into_32_and_powers_of_two(length: int, expected: list[int]) -> None:
    """The largest first; what is left is no piece."""
    assert pieces(length)[::-1] == expected


@given(st.integers(1, 5000))
def test_pieces_and_tail_are_the_whole_prompt(length: int) -> None:
    """Nothing is left out, every piece has one of the lengths that are tried at load, and the tail is shorter."""
    assert sum(pieces(length)) + tail(length) == length
    assert set(pieces(length)) <= set(PIECES)
    assert tail(length) < min(PIECES)


@pytest.mark.parametrize("length", [1, 2, 7])
def test_short_prompt_goes_along_with_those_who_write(length: int) -> None:
    """It needs no run of its own."""
    s, one = scheduler(), Fake(length=length)
    s.add(one)
    step = s.next(0.0)
    assert (step.started, step.prefill, step.joining) == ([one], [], [one])
    assert s.num_running == 1


def test_pieces_of_one_length_share_a_run() -> None:
    """As far as shapes and the bound on tokens allow; the oldest sequence goes first."""
    s = scheduler(max_rows=9)
    long, short, alike, other = Fake(0, 40), Fake(1, 8), Fake(2, 32), Fake(3, 32, shapes="b")
    for each in (long, short, alike, other):
        s.add(each)
    assert s.next(0.0).prefill == [[long, alike]]  # 64 tokens
    for each in (long, alike):
        s.has_read(each)
    assert s.next(0.0).prefill == [[long, short], [other]]


def test_rows_go_to_the_first_who_came() -> None:
    """A search that needs four rows is not passed over by one that needs one."""
    s = scheduler(max_rows=4)
    a, wide, late = Fake(0), Fake(1, num_rows=4), Fake(2)
    for each in (a, wide, late):
        s.add(each)
    assert s.next(0.0).started == [a]
    assert s.drop(a)
    assert s.next(0.0).started == [wide]
    assert s.drop(wide)
    assert s.next(0.0).started == [late]


def test_a_sequence_wider_than_all_rows_runs_alone() -> None:
    """Everybody can be served at some time."""
    s, wide, next_ = scheduler(max_rows=2), Fake(0, num_rows=16), Fake(1)
    s.add(wide)
    s.add(next_)
    assert s.next(0.0).started == [wide]
    assert s.drop(wide)
    assert s.next(0.0).started == [next_]


def test_whose_deadline_passed_is_out_at_the_next_step() -> None:
    """Whether it waits, reads or writes; the others stay."""
    s = scheduler(max_rows=2)
    writing, reading, waiting = Fake(0, deadline=5.0), Fake(1, 64, deadline=6.0), Fake(2, deadline=6.0)
    forever = Fake(3)
    for each in (writing, reading, waiting, forever):
        s.add(each)
    s.next(0.0)
    assert s.next(4.9).late == []
    assert s.next(5.0).late == [writing]
    assert set(s.next(6.5).late) == {reading, waiting}
    assert s.sequences() == [forever]


def checked_step(s: Scheduler[Fake], now: float) -> list[int]:
    """Take a step that keeps within all bounds; the names of those who started."""
    step = s.next(now)
    assert s.num_rows <= 6
    assert sum(run[0].pieces[-1] * len(run) for run in step.prefill) <= 64
    for run in step.prefill:
        assert len({(each.pieces[-1], each.shapes) for each in run}) == 1
        assert run[0].pieces[-1] > 1
        for each in run:
            s.has_read(each)
    return [each.name for each in step.started]


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "drop", "step"]), st.integers(0, 30), st.integers(1, 100), st.integers(1, 5)),
        max_size=80,
    )
)
def test_random_lives(events: list[tuple[str, int, int, int]]) -> None:
    """Rows are never overbooked, runs never too long or mixed, starts in order; everybody comes to an end."""
    s, everyone, started = scheduler(max_rows=6), list[Fake](), list[int]()
    for now, (event, which, length, num_rows) in enumerate(events):
        if event == "add":
            everyone.append(Fake(len(everyone), length, num_rows, which % 2))
            s.add(everyone[-1])
        elif event == "drop" and everyone:
            s.drop(everyone[which % len(everyone)])
        else:
            started += checked_step(s, float(now))
    for _ in range(10_000):
        if not s.busy:
            break
        started += checked_step(s, 0.0)
        for each in s.sequences():
            if not each.pieces:
                s.drop(each)
    assert not s.busy
    assert s.num_rows == 0
    assert started == sorted(started)
