"""What a call does with its sequences while they are written, on sequences that the test writes."""

import asyncio
from collections.abc import Sequence

import pytest
from podium.v1 import decoding_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_server.errors import NotReady, RunFailed
from podium_server.generation.job import Clocked, Finish, Gathered, Hypothesis
from podium_server.services.gathering import Gathering, gather_all
from podium_server.services.writing import BeamSearch, SampledSequence
from podium_server.text.sequence_text import SequenceText
from podium_server.text.stops import StopTexts
from podium_server.text.vocabulary import VocabularyTokens

TOKENS = VocabularyTokens(pb.Vocabulary(tokens=list("abcdefgh"), unit=pb.TEXT_UNIT_CHARACTER), frozenset())


class Scripted:
    """An `Ongoing` whose tokens the test gives."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._ids: list[int] = []
        self._finish: Finish | None = None
        self._error: Exception | None = None
        self.num_cancelled = 0
        self.num_gathered = 0

    def give(self, text: str, finish: Finish | None = None) -> None:
        """Write some more."""
        self._ids += ["abcdefgh".index(char) for char in text]
        self._finish = finish
        self._news.set()

    def fail(self, error: Exception) -> None:
        """Fail."""
        self._error = error
        self._news.set()

    async def gather_to_the_end(self) -> Gathered:
        """Give everything, once it has ended; a fake has what came since it was last asked."""
        while self._finish is None and self._error is None:
            self._news.clear()
            await self._news.wait()
        return await self.gather()

    async def gather(self) -> Gathered:
        """Give what has come."""
        assert self._finish is None or self._news.is_set(), "asked after the end"
        await self._news.wait()
        self._news.clear()
        if self._error is not None:
            raise self._error
        self.num_gathered += 1
        ids, self._ids = self._ids, []
        return Gathered(ids, [-1.0] * len(ids), self._finish, clocked=Clocked(0.0, 0.1, 0.1 * self.num_gathered))

    def cancel(self) -> None:
        """Count."""
        self.num_cancelled += 1


def writing(scripts: Sequence[Scripted], *stops: str) -> Gathering:
    """Gather sequences."""
    texts = [SequenceText(TOKENS.writer(frozenset()), StopTexts(stops) if stops else None) for _ in scripts]
    sequences = [SampledSequence(script, i, text) for i, (script, text) in enumerate(zip(scripts, texts, strict=True))]
    return Gathering(sequences, with_log_probabilities=False)


def told(pieces: list[decoding_pb2.SequencePiece]) -> list[tuple[int, str]]:
    """Which sequence each piece is of, and its text."""
    return [(piece.sequence, piece.text) for piece in pieces]


async def all_pieces(gathering: Gathering) -> None:
    """Take everything."""
    async for _ in gathering.pieces():
        pass


def left_over() -> list[str]:
    """Tasks beside this test's own."""
    return [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("count", [1, 3])
async def test_what_comes_while_nobody_asks_is_told_together(count: int) -> None:
    """At most one piece a sequence, and no more than what was written is kept."""
    scripts = [Scripted() for _ in range(count)]
    pieces = writing(scripts).pieces()
    scripts[0].give("a")
    assert told(await anext(pieces)) == [(0, "a")]
    for text in ("b", "c", "d"):
        for script in scripts:
            script.give(text)
        await settle()
    assert told(await anext(pieces)) == [(0, "bcd"), *((i, "bcd") for i in range(1, count))]
    for script in scripts:
        script.give("e", Finish.LENGTH)
    await settle()
    last = await anext(pieces)
    assert told(last) == [(i, "e") for i in range(count)]
    assert {piece.finish_reason for piece in last} == {decoding_pb2.FINISH_REASON_LENGTH}
    assert [piece async for piece in pieces] == []
    assert left_over() == []


@pytest.mark.parametrize("count", [1, 3])
async def test_who_leaves_a_stream_stops_all_its_sequences(count: int) -> None:
    """Those that nobody has asked for yet, too; no task is left."""
    scripts = [Scripted() for _ in range(count)]
    pieces = writing(scripts).pieces()
    scripts[0].give("a")
    await anext(pieces)
    await pieces.aclose()
    assert all(script.num_cancelled for script in scripts)
    assert left_over() == []


@pytest.mark.parametrize("streamed", [True, False])
async def test_one_that_fails_stops_the_others_and_is_told(streamed: bool) -> None:
    """A part of an answer is no answer."""
    scripts = [Scripted() for _ in range(3)]
    gathering = writing(scripts)
    scripts[0].give("a", Finish.END)
    scripts[1].fail(RunFailed("the model failed"))
    with pytest.raises(RunFailed, match="the model failed"):
        await (all_pieces(gathering) if streamed else gathering.all())
    assert scripts[2].num_cancelled == 1
    assert left_over() == []


async def test_a_caller_who_leaves_a_unary_call_stops_its_sequences() -> None:
    """Whichever of them it waits for."""
    scripts = [Scripted() for _ in range(2)]
    task = asyncio.create_task(gather_all(writing(scripts).writings))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [script.num_cancelled for script in scripts] == [1, 1]


async def test_a_sequence_that_ends_early_waits_for_the_last() -> None:
    """The last message is the one in which the last of them ends."""
    scripts = [Scripted(), Scripted()]
    gathering = writing(scripts)
    pieces = gathering.pieces()
    scripts[1].give("ab", Finish.END)
    assert told(await anext(pieces)) == [(1, "ab")]
    assert not gathering.ended
    scripts[0].give("c")
    assert told(await anext(pieces)) == [(0, "c")]
    scripts[0].give("", Finish.CANCELLED)
    (last,) = await anext(pieces)
    assert gathering.ended
    assert last.finish_reason == decoding_pb2.FINISH_REASON_CANCELLED
    assert last.log_probability == -1.0


async def test_text_that_is_held_back_comes_with_the_end() -> None:
    """Its tokens were told when they came."""
    script = Scripted()
    gathering = writing([script], "abc")
    pieces = gathering.pieces()
    script.give("dab")
    (piece,) = await anext(pieces)
    assert (piece.text, len(piece.token_ids)) == ("d", 3)
    script.give("", Finish.LENGTH)
    (piece,) = await anext(pieces)
    assert (piece.text, len(piece.token_ids)) == ("ab", 0)
    ((whole,),) = gathering.sequences()
    assert whole.text == "dab"


async def test_what_beam_search_finds_is_cut_at_stop_texts() -> None:
    """And told once; a search that the server ended before it found anything is no answer."""
    found = Hypothesis([0, 1, 2, 3], [-1.0, -2.0, -3.0, -4.0], -2.5, Finish.LENGTH)
    search = BeamSearch(Scripted(), lambda: SequenceText(TOKENS.writer(frozenset()), StopTexts(["bc"])))
    search.add(Gathered([], [], Finish.LENGTH, [found]))
    (piece,) = search.pieces(with_log_probabilities=True)
    assert (piece.text, list(piece.token_ids), list(piece.log_probabilities)) == ("a", [0, 1, 2], [-1, -2, -3])
    assert piece.finish_reason == decoding_pb2.FINISH_REASON_STOP
    assert search.pieces(with_log_probabilities=True) == []
    (whole,) = search.sequences(with_log_probabilities=False)
    assert (whole.log_probability, whole.score, list(whole.log_probabilities)) == (-6.0, -2.5, [])
    with pytest.raises(NotReady):
        search.add(Gathered([], [], Finish.CANCELLED))
