"""Where a text ends, and what of it may be shown by then: stop texts, ends, halves of characters."""

import grpc
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.server.services.networks import WORDS
from tests.server.services.texts import free_text, ids_of, joined

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_a_text_ends_before_its_first_stop_text(stub: stubs.TextServiceStub) -> None:
    """Whose tokens are told all the same."""
    text = free_text(stub, 99)
    stop = text[20:23]
    place = text.index(stop)
    request = wire.GenerateRequest(
        model="letters", prompt="a", decoding=Decoding(max_tokens=99, stop=[stop, "never"]), seed=3
    )
    (sequence,) = stub.Generate(request).sequences
    assert sequence.text == text[:place]
    assert list(sequence.token_ids) == ids_of(text[: place + 3])
    assert sequence.finish_reason == decoding_pb2.FINISH_REASON_STOP


def test_what_may_become_a_stop_text_is_not_shown_before_it_is_sure(stub: stubs.TextServiceStub) -> None:
    """No piece has it in part; at the end what was held back comes."""
    text = free_text(stub, 60)
    for stop, reason in ((text[30:33], "STOP"), (text[-1] + "never", "LENGTH")):
        request = wire.StreamGenerateRequest(
            model="letters", prompt="a", decoding=Decoding(max_tokens=60, stop=[stop]), seed=3
        )
        (sequence,) = joined(list(stub.StreamGenerate(request)))
        assert sequence.text == (text[: text.index(stop)] if stop in text else text)
        assert decoding_pb2.FinishReason.Name(sequence.finish_reason) == f"FINISH_REASON_{reason}"


def test_no_piece_has_half_a_character(stub: stubs.TextServiceStub) -> None:
    """Of a model that writes bytes; those that are no text become U+FFFD, as Python decodes all of them at once."""
    request = wire.StreamGenerateRequest(
        model="bytes", prompt="\N{GRINNING FACE}", decoding=Decoding(max_tokens=400), seed=1
    )
    (sequence,) = joined(list(stub.StreamGenerate(request)))
    assert sequence.text == bytes(token_id - 2 for token_id in sequence.token_ids).decode(errors="replace")


def test_an_end_is_no_part_of_the_text(stub: stubs.TextServiceStub) -> None:
    """Its token is told, and why the sequence ended."""
    request = wire.GenerateRequest(model="words", decoding=Decoding(max_tokens=400), seed=2)
    (sequence,) = stub.Generate(request).sequences
    assert sequence.finish_reason == decoding_pb2.FINISH_REASON_END
    assert sequence.token_ids[-1] == 2
    assert sequence.text == " ".join(WORDS[token_id] for token_id in sequence.token_ids[:-1])
