"""`Translate` over a real gRPC server, on a small real network."""

from typing import Any

import grpc
import pytest
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.server.pictures.wires import refusal

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT

SENTENCES = [
    "eine katze sitzt auf der matte",
    "Hund",
    "der hund sitzt",
    "eine " * 7,
    "auf der matte sitzt eine katze " * 4,
    "katze hund " * 6,
]


@pytest.mark.parametrize(
    ("decoding", "num_best"),
    [(Decoding(), 1), (Decoding(num_beams=4), 3), (Decoding(temperature=1.2), 5)],
    ids=["greedy", "beams", "drawn"],
)
def test_each_text_gets_the_answer_that_it_gets_alone(
    stub: stubs.TextServiceStub, decoding: decoding_pb2.Decoding, num_best: int
) -> None:
    """Byte for byte, whatever the lengths beside it, best first."""
    fields: dict[str, Any] = {
        "model": "translator",
        "decoding": decoding,
        "seed": 6,
        "num_best": num_best,
        "return_log_probabilities": True,
    }
    together = stub.Translate(wire.TranslateRequest(texts=SENTENCES, **fields))
    assert together.usage.num_prompt_tokens == sum(len(text.split()) + 1 for text in SENTENCES)
    for text, result in zip(SENTENCES, together.results, strict=True):
        alone = stub.Translate(wire.TranslateRequest(texts=[text], **fields))
        assert list(alone.results) == [result]
        scores = [translation.score for translation in result.translations]
        assert len(scores) == num_best
        assert scores == sorted(scores, reverse=True)
    assert together.metadata.seed == 6


def test_what_is_unknown_is_named_or_replaced(stub: stubs.TextServiceStub) -> None:
    """By the model's unknown token, when asked."""
    code, text, field = refusal(
        lambda: stub.Translate(wire.TranslateRequest(model="translator", texts=["hund", "der vogel"]))
    )
    assert (code, field) == (INVALID, "texts[1]")
    assert text == (
        "texts[1]: has words that the model has no token for: 'vogel'; leave them out, or set replace_unknown"
    )
    request = wire.TranslateRequest(model="translator", texts=["der vogel"], replace_unknown=True)
    assert stub.Translate(request).results[0].translations[0].text


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"texts": []}, "texts", "has 0 texts; a call must have 1 … 256"),
        ({"texts": ["hund", " "]}, "texts[1]", "has nothing to translate; give a text of one token or more"),
        (
            {"texts": ["hund " * 40]},
            "texts[0]",
            "has 41 tokens, start and end included; this model reads at most 40: send it in parts",
        ),
        (
            {"num_best": 2, "decoding": Decoding(num_beams=1)},
            "num_best",
            "is 2; must be 0 or 1 where nothing is drawn; set decoding.num_beams, or",
        ),
        ({"num_best": 5, "decoding": Decoding(num_beams=4)}, "num_best", "is 5; must be 0 … 4, the number of"),
        ({"num_best": 65, "decoding": Decoding(temperature=1)}, "num_best", "is 65; must be 0 … 64"),
        (
            {"texts": ["hund"] * 20, "decoding": Decoding(num_beams=4)},
            "texts",
            "come to 80 sequences, beams included; a call may have 64 on this server",
        ),
    ],
)
def test_bad_input_is_refused_by_its_field(
    stub: stubs.TextServiceStub, fields: dict[str, Any], field: str, message: str
) -> None:
    """In words that say what would be right."""
    usual: dict[str, Any] = {"model": "translator", "texts": ["hund"]}
    code, text, named = refusal(lambda: stub.Translate(wire.TranslateRequest(**(usual | fields))))
    assert (code, named) == (INVALID, field)
    assert text.startswith(f"{field}: {message}")
