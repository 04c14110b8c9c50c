"""Texts of the small networks: as tokens, and put together from a stream."""

from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.server.services.networks import LETTERS


def ids_of(text: str) -> list[int]:
    """The tokens of a text of letters."""
    return [LETTERS.index(char) for char in text]


def text_of(ids: list[int]) -> str:
    """The text of tokens of letters."""
    return "".join(LETTERS[token_id] for token_id in ids)


def free_text(stub: stubs.TextServiceStub, max_tokens: int) -> str:
    """What follows "a" from seed 3 where no stop text ends it."""
    decoding = decoding_pb2.Decoding(max_tokens=max_tokens)
    request = wire.GenerateRequest(model="letters", prompt="a", decoding=decoding, seed=3)
    return stub.Generate(request).sequences[0].text


def joined(answers: list[wire.StreamGenerateResponse], count: int = 1) -> list[decoding_pb2.GeneratedSequence]:
    """The sequences that a stream's pieces make."""
    whole = [decoding_pb2.GeneratedSequence() for _ in range(count)]
    for answer in answers:
        assert len({piece.sequence for piece in answer.pieces}) == len(answer.pieces)
        for piece in answer.pieces:
            sequence = whole[piece.sequence]
            assert sequence.finish_reason == decoding_pb2.FINISH_REASON_UNSPECIFIED
            sequence.text += piece.text
            sequence.token_ids.extend(piece.token_ids)
            sequence.log_probabilities.extend(piece.log_probabilities)
            sequence.finish_reason = piece.finish_reason
            sequence.log_probability = sequence.score = piece.log_probability
    return whole
