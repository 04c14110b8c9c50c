"""Load of texts: how the times of tokens become figures, and a run against a real gRPC server."""

import pytest
from podium_client import InvalidArgumentError
from podium_client.load.text_streams import StreamTimes, TextLoad, drive_texts

from tests.client.fake_server import OVERLOADED
from tests.client.fake_texts import serving_texts


def test_the_time_between_tokens_begins_with_the_first_ones() -> None:
    """However many came together: 3 at 2 s and 8 more until 6 s are half a second each."""
    times = StreamTimes(asked_s=1.0)
    times.came(0, 1.5)  # a piece that has no token yet
    begun = times.first_s is not None
    for num_tokens, now_s in ((3, 2.0), (5, 4.0), (3, 6.0), (0, 9.0)):
        times.came(num_tokens, now_s)

    assert not begun
    assert (times.first_s, times.num_tokens) == (2.0, 11)
    assert times.between_s == pytest.approx(0.5)


def test_a_text_that_came_at_once_has_no_time_between() -> None:
    """It counts for the first token alone."""
    times = StreamTimes(asked_s=0.0)
    times.came(4, 1.0)

    assert times.between_s is None


async def test_readers_read_one_text_after_another() -> None:
    """So many at once, each with a seed of its own; the first ones are cut so that no two end together."""
    async with serving_texts() as server:
        load = TextLoad(server.address, "poet", "to be", 20, seed=5, streams=3, warmup_s=0, seconds=0.3)
        measured = await drive_texts(load)

    trial, *requests = server.image_requests
    assert (trial.seed, [request.seed for request in requests]) == (5, list(range(5, 5 + len(requests))))
    assert [request.decoding.max_tokens for request in requests][:4] == [7, 14, 20, 20]
    assert {request.decoding.max_tokens for request in requests[2:]} == {20}
    assert server.most_inside <= 3
    assert measured.num_texts > 0
    assert measured.num_tokens >= 20 * (measured.num_texts - 3)  # of those that began before the window, a part
    assert len(measured.between_tokens_s) == measured.num_texts
    assert measured.errors == {}
    assert measured.metadata.version == 2


async def test_texts_that_break_off_are_counted() -> None:
    """By the code of their error."""
    async with serving_texts() as server:
        server.stream_refusal = OVERLOADED
        load = TextLoad(server.address, "poet", "to be", 20, seed=5, streams=2, warmup_s=0, seconds=0.2)
        measured = await drive_texts(load)

    assert set(measured.errors) == {"RESOURCE_EXHAUSTED"}
    assert measured.num_texts == 0


async def test_what_is_wrong_is_said_before_there_is_any_load() -> None:
    """By the first text, which is asked for alone."""
    async with serving_texts() as server:
        with pytest.raises(InvalidArgumentError, match="not in the vocabulary"):
            await drive_texts(TextLoad(server.address, "poet", "groß", 20, seed=0, streams=8))

    assert server.num_calls == 1
