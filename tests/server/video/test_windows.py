"""Frames cut into windows, and chosen out of clips, against the rules written out plainly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium.v1 import video_pb2
from podium_server.video.sampling import check_sampling, chosen
from podium_server.video.windows import LabellingWindows, SlidingWindows, WholeClip, Window, Windows


def pushed(windows: Windows, count: int) -> tuple[list[tuple[int, Window]], list[Window]]:
    """Push frames, each its own number; the windows with the frame that completed each, and those at the end."""
    found = [(place, window) for place in range(count) for window in windows.push(np.array([place]))]
    return found, windows.end()


def rows(window: Window) -> list[int]:
    """The frames of a window."""
    found: list[int] = window.rows[:, 0].tolist()
    return found


@given(count=st.integers(0, 60), size=st.integers(3, 20), margin=st.integers(0, 6))
def test_each_frame_is_labelled_once_from_its_own_surroundings(count: int, size: int, margin: int) -> None:
    """Place p of a window is frame f itself, and around it are its neighbours, the ends repeated."""
    if 2 * margin >= size:
        margin = (size - 1) // 2
    during, after = pushed(LabellingWindows(size, margin), count)
    labelled: list[int] = []
    for window in [*(window for _, window in during), *after]:
        assert len(window.rows) == size
        assert window.places is not None
        for number, place in enumerate(window.places):
            frame = window.first + number
            labelled.append(frame)
            wanted = [min(max(frame + i - place, 0), count - 1) for i in range(size)]
            assert rows(window) == wanted
            assert margin <= place < size - margin
    assert labelled == list(range(count))


@given(count=st.integers(0, 60))
def test_a_frame_is_labelled_as_soon_as_its_window_has_come(count: int) -> None:
    """A window of 10 with margins of 3 is complete with the seventh frame, then with each fourth."""
    during, _ = pushed(LabellingWindows(10, 3), count)
    assert [place for place, _ in during] == list(range(6, count, 4))


def test_the_published_windows_of_transnetv2() -> None:
    """250 frames are read as five windows of 100 that begin 50 apart, with 25 copies before and behind them."""
    during, after = pushed(LabellingWindows(100, 25), 250)
    windows = [*(window for _, window in during), *after]
    padded = [0] * 25 + list(range(250)) + [249] * 25
    assert [rows(window) for window in windows] == [padded[i : i + 100] for i in range(0, 201, 50)]
    assert [window.first for window in windows] == [0, 50, 100, 150, 200]


@given(count=st.integers(0, 30), size=st.integers(1, 8))
def test_sliding_windows_end_with_each_frame(count: int, size: int) -> None:
    """The first answer is of the frame that completes the first window."""
    during, after = pushed(SlidingWindows(size), count)
    assert [(place, window.first, rows(window)) for place, window in during] == [
        (place, place, list(range(place - size + 1, place + 1))) for place in range(size - 1, count)
    ]
    assert after == []


def test_a_whole_clip_is_one_window_at_its_end() -> None:
    """And a clip of nothing is none."""
    during, after = pushed(WholeClip(), 5)
    assert (during, [(window.first, rows(window)) for window in after]) == ([], [(4, [0, 1, 2, 3, 4])])
    assert pushed(WholeClip(), 0) == ([], [])


@given(count=st.integers(1, 50), length=st.integers(1, 500))
def test_uniform_frames_are_the_middles_of_equal_parts(count: int, length: int) -> None:
    """Frame floor((i + 1/2) N / n), as the contract says."""
    sampling = video_pb2.FrameSampling(uniform=count)
    assert list(chosen(sampling, length)) == [int((i + 0.5) * length / count) for i in range(count)]


@given(every=st.integers(1, 20), length=st.integers(1, 100))
def test_every_kth_frame_begins_with_the_first(every: int, length: int) -> None:
    """Frames 0, k, 2k."""
    assert list(chosen(video_pb2.FrameSampling(every=every), length)) == [i for i in range(length) if i % every == 0]


NO_RULES = [
    (video_pb2.FrameSampling(), "sampling: must be all, every or uniform"),
    (video_pb2.FrameSampling(every=0), r"sampling\.every: is 0; it must be 1 or more"),
    (video_pb2.FrameSampling(uniform=0), r"sampling\.uniform: is 0; it must be 1 or more"),
]


@pytest.mark.parametrize(("sampling", "message"), NO_RULES)
def test_a_rule_that_is_none_is_refused(sampling: video_pb2.FrameSampling, message: str) -> None:
    """By field."""
    with pytest.raises(ValueError, match=message):
        check_sampling(sampling)
