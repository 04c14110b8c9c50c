"""The calls of texts and captions, against a real gRPC server."""

import math
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import assert_type

import pytest
from podium_client import (
    AsyncClient,
    AsyncTextStream,
    Client,
    DeadlineError,
    DecodingOptions,
    FinishReason,
    GeneratedSequence,
    GeneratedSequences,
    InvalidArgumentError,
    OverloadedError,
    SequencePiece,
    TextScore,
    TextStream,
)

from tests.client.fake_server import OVERLOADED, FakeServer, in_a_thread
from tests.client.fake_texts import CHOSEN_SEED, serving_texts, written


async def test_a_text_comes_whole_with_who_wrote_it_and_what_it_cost() -> None:
    """The first sequence stands for all of them where one is enough."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        answer = await client.complete("poet", "to be", seed=9, num_sequences=2)
        assert_type(answer, GeneratedSequences)
        assert_type(answer[0], GeneratedSequence)

    assert answer.texts == (written("to be", 9), written("to be", 9, 1))
    assert answer.text == answer.best.text == answer.texts[0]
    assert (len(answer), answer.finish_reason, answer[1].finish_reason) == (2, FinishReason.END, "end")
    assert answer.best.token_ids[:5] == tuple(map(ord, "TO BE"))
    assert answer.best.probability == pytest.approx(0.5)
    assert (answer.metadata.model, answer.metadata.version, answer.metadata.seed) == ("poet", 2, 9)
    assert answer.usage.num_output_tokens == 80
    assert answer.usage.tokens_per_s == pytest.approx(80 / 0.020)  # 4 ms reading, 16 ms writing


async def test_a_stream_gives_the_text_that_a_call_gives() -> None:
    """Piece by piece; the stream knows the whole of it afterwards."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        whole = await client.complete("poet", "to be", seed=9)
        stream = client.generate("poet", "to be", seed=9)
        assert_type(stream, AsyncTextStream)
        pieces = [piece async for piece in stream]
        assert_type(pieces, list[SequencePiece])

    assert len(pieces) > 2
    assert "".join(piece.text for piece in pieces) == stream.text == whole.text
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
    assert pieces[-1].finish_reason is stream.finish_reason is FinishReason.END
    assert pieces[-1].log_probability == whole.best.log_probability
    assert (stream.metadata, stream.usage) == (whole.metadata, whole.usage)


async def test_several_texts_are_written_side_by_side() -> None:
    """Each piece says which of them it belongs to."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        stream = client.generate("poet", "ah", num_sequences=3, stop="la")
        pieces = [piece async for piece in stream]

    assert {piece.sequence for piece in pieces} == {0, 1, 2}
    assert stream.texts == tuple(written("ah", sequence=number).partition("la")[0] for number in range(3))
    assert stream.finish_reasons == (FinishReason.STOP,) * 3


async def test_a_stream_tells_what_is_known_so_far() -> None:
    """Seed and text from the first piece on, the cost at the end; before that it says when."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        server.stream_gate.clear()
        stream = client.generate("poet", "to be")
        with pytest.raises(ValueError, match="from the first piece on"):
            _ = stream.metadata
        async with aclosing(aiter(stream)) as pieces:
            first = await anext(pieces)
            assert (first.text, stream.text, stream.finish_reason) == ("TO BE", "TO BE", None)
            assert stream.metadata.seed == CHOSEN_SEED
            with pytest.raises(ValueError, match="after the last piece"):
                _ = stream.usage


async def test_leaving_the_loop_cancels_the_call() -> None:
    """Though the stream is still held; what had come stays."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        server.stream_gate.clear()
        stream = client.generate("poet", "to be")
        async for _ in stream:
            break
        await server.left.wait()

    assert stream.text == "TO BE"
    assert [piece async for piece in stream] == []


async def test_a_stream_is_sent_again_before_its_first_piece_alone() -> None:
    """A full queue ran nothing; afterwards the caller has something, and decides."""
    async with serving_texts(OVERLOADED, OVERLOADED) as server, AsyncClient(server.address) as client:
        stream = client.generate("poet", "to be")
        assert [piece async for piece in stream]
        assert server.num_calls == 3

        server.stream_refusal = OVERLOADED
        broken = client.generate("poet", "to be")
        with pytest.raises(OverloadedError):
            async for _ in broken:
                pass

    assert (broken.text, server.num_calls) == ("TO BE", 4)


async def test_a_stream_has_a_deadline_for_all_of_it() -> None:
    """It names itself when it passes."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        server.stream_gate.clear()
        with pytest.raises(DeadlineError, match=r"within 0\.2 s"):
            async for _ in client.generate("poet", "to be", timeout=0.2):
                pass


async def test_what_is_not_given_is_left_to_the_model() -> None:
    """Unset on the wire, and so is None."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        await client.complete("poet", "to be", temperature=None, stop=None)
        await client.complete("poet", "to be", temperature=0, top_k=0)

    nothing, zeros = server.image_requests
    assert not nothing.decoding.ListFields()
    assert not nothing.HasField("seed")
    assert zeros.decoding.HasField("temperature")
    assert zeros.decoding.HasField("top_k")


OPTIONS: DecodingOptions = {
    "temperature": 0.5,
    "top_k": 40,
    "top_p": 0.9,
    "repetition_penalty": 1.25,
    "max_tokens": 12,
    "stop": ["\n\n", "END"],
    "num_beams": 1,
    "length_penalty": 0.75,
}


@pytest.mark.parametrize("call", ["complete", "generate", "translate", "caption", "stream_caption"])
async def test_every_call_that_writes_takes_the_same_options(call: str) -> None:
    """They stand in the request as they were given, with the seed and the log-probabilities asked for."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        given = b"picture" if "caption" in call else "to be"
        answer = getattr(client, call)("poet", given, seed=3, log_probabilities=True, **OPTIONS)
        if isinstance(answer, AsyncTextStream):
            logs = [log async for piece in answer for log in piece.log_probabilities or ()]
        else:
            logs = list((await answer).best.log_probabilities)

    (request,) = server.image_requests
    sent = {field.name: value for field, value in request.decoding.ListFields()}
    assert {**sent, "stop": list(sent["stop"])} == OPTIONS
    assert (request.seed, request.return_log_probabilities) == (3, True)
    assert set(logs) == {-0.25}


async def test_a_misspelt_option_is_a_type_error() -> None:
    """As for any function; type checkers see it too."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        with pytest.raises(TypeError, match="temprature"):
            await client.complete("poet", "to be", temprature=1)  # type: ignore[call-arg]

    assert not server.image_requests


async def test_texts_are_translated_one_or_many() -> None:
    """One answer for one text, a list for a list, each best first."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        one = await client.translate("translator", "abc", num_best=2)
        many = await client.translate("translator", ["abc", "de"])
        assert_type(one, GeneratedSequences)
        assert_type(many, list[GeneratedSequences])

    assert one.texts == ("cba", "cba.")
    assert [sequence.score for sequence in one] == [0, -1]
    assert [answer.text for answer in many] == ["cba", "ed"]
    assert one.best.log_probabilities is None


async def test_pictures_are_captioned_one_or_many() -> None:
    """Of every kind that a picture may be."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        one = await client.caption("captioner", b"12345", num_best=3)
        many = await client.caption("captioner", [b"1", b"123"])
        assert_type(one, GeneratedSequences)
        assert_type(many, list[GeneratedSequences])

    assert one.texts == ("a picture of 5 bytes", "a picture of 5 bytes.", "a picture of 5 bytes..")
    assert [answer.text for answer in many] == ["a picture of 1 bytes", "a picture of 3 bytes"]


async def test_a_caption_can_be_watched_as_it_is_written() -> None:
    """It is the one that a call gives."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        stream = client.stream_caption("captioner", b"12345", num_captions=2)
        pieces = [piece.text async for piece in stream if piece.sequence == 0]

    assert len(pieces) > 2
    assert "".join(pieces) == stream.text == "a picture of 5 bytes"
    assert stream.texts[1] == "a picture of 5 bytes."


async def test_texts_are_scored_one_or_many() -> None:
    """With the cross-entropy in nats, and each token where it is asked for."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        one = await client.score("poet", "xab", tokens=True)
        many = await client.score("poet", ["xa", "xb"])
        assert_type(one, TextScore)
        assert_type(many, list[TextScore])

    assert one.tokens is not None
    assert [token.text for token in one.tokens] == ["a", "b"]
    assert [token.probability for token in one.tokens] == pytest.approx([1 / 2, 1 / 8])
    assert one.nats_per_token == pytest.approx(math.log(4))  # the geometric mean of 1/2 and 1/8 is 1/4
    assert one.perplexity == pytest.approx(4)
    assert one.num_tokens == 2
    assert many[0].log_likelihood > many[1].log_likelihood
    assert many[0].tokens is None


async def test_what_is_in_no_vocabulary_is_replaced_when_asked() -> None:
    """Otherwise the server refuses it in its own words."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        with pytest.raises(InvalidArgumentError, match="not in the vocabulary"):
            await client.complete("poet", "groß")
        assert await client.complete("poet", "groß", replace_unknown=True)
        assert await client.translate("poet", "groß", replace_unknown=True)
        assert await client.score("poet", "groß", replace_unknown=True)


WRONG: list[tuple[str, str, dict[str, object]]] = [
    ("complete", "prompt", {"prompt": b"to be"}),
    ("complete", "prompt", {"prompt": "\ud800"}),
    ("complete", "seed", {"seed": -1}),
    ("complete", "seed", {"seed": 1 << 64}),
    ("complete", "num_sequences", {"num_sequences": 0}),
    ("complete", "temperature", {"temperature": -0.1}),
    ("complete", "temperature", {"temperature": math.nan}),
    ("complete", "top_k", {"top_k": 1.5}),
    ("complete", "top_p", {"top_p": 0}),
    ("complete", "top_p", {"top_p": 1.01}),
    ("complete", "repetition_penalty", {"repetition_penalty": 0}),
    ("complete", "max_tokens", {"max_tokens": 0}),
    ("complete", "num_beams", {"num_beams": 0}),
    ("complete", "length_penalty", {"length_penalty": -1}),
    ("complete", "stop", {"stop": ""}),
    ("complete", "stop[1]", {"stop": ["x", ""]}),
    ("complete", "stop[0]", {"stop": [b"x"]}),
    ("translate", "texts", {"texts": []}),
    ("translate", "texts[1]", {"texts": ["x", 3]}),
    ("translate", "num_best", {"texts": "x", "num_best": 0}),
    ("score", "texts", {"texts": b"x"}),
    ("caption", "images", {"images": []}),
    ("caption", "images[0]", {"images": 3}),
    ("caption", "num_best", {"images": b"x", "num_best": -1}),
]


@pytest.mark.parametrize(("call", "field", "arguments"), WRONG)
async def test_what_is_plainly_wrong_is_refused_by_field(call: str, field: str, arguments: dict[str, object]) -> None:
    """Before anything is sent."""
    async with serving_texts() as server, AsyncClient(server.address) as client:
        with pytest.raises(InvalidArgumentError) as refused:
            await getattr(client, call)("poet", **arguments)

    assert refused.value.field == field
    assert str(refused.value).startswith(field)
    assert not server.image_requests


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose event loop is another thread's."""
    with in_a_thread(serving_texts()) as server:
        yield server


def test_a_stream_is_a_plain_loop_for_programs_without_an_event_loop(server: FakeServer) -> None:
    """With the same things known afterwards."""
    with Client(server.address) as client:
        stream = client.generate("poet", "to be", seed=7)
        assert_type(stream, TextStream)
        text = "".join(piece.text for piece in stream)
        captioned = client.stream_caption("captioner", b"12345")
        assert [*captioned][-1].finish_reason is FinishReason.END

        assert text == stream.text == client.complete("poet", "to be", seed=7).text
        assert (stream.metadata.seed, stream.finish_reason) == (7, FinishReason.END)
        assert stream.usage.num_output_tokens == len(text)
        assert captioned.text == client.caption("captioner", b"12345").text


def test_leaving_a_plain_loop_cancels_the_call_too(server: FakeServer) -> None:
    """Though the stream is still held; or it is closed by hand."""
    with Client(server.address) as client:
        server.stream_gate.clear()
        stream = client.generate("poet", "to be")
        for _ in stream:
            break
        while not server.left.is_set():
            pass
        server.left.clear()
        with closing(client.generate("poet", "to be")) as closed:
            assert next(pieces := iter(closed)).text == "TO BE"
        while not server.left.is_set():
            pass

        assert list(pieces) == list(stream) == []


def test_a_wrong_stream_is_refused_when_it_is_asked_for(server: FakeServer) -> None:
    """Not when its first piece is."""
    with Client(server.address) as client:
        with pytest.raises(InvalidArgumentError, match="max_tokens"):
            client.generate("poet", "to be", max_tokens=0)
        with pytest.raises(InvalidArgumentError, match="top_p"):
            client.stream_caption("captioner", b"1", top_p=3)


def test_a_file_that_is_not_there_is_said_when_the_stream_begins(server: FakeServer, tmp_path: Path) -> None:
    """Pictures are read in a thread of their own, after all that can be seen at once."""
    with Client(server.address) as client, pytest.raises(FileNotFoundError):
        list(client.stream_caption("captioner", tmp_path / "nowhere.png"))
