"""`Score` over a real gRPC server, on small real networks whose formulas are known."""

import math

import grpc
import numpy as np
import pytest
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.server.pictures.wires import refusal
from tests.server.services.networks import LETTERS, Weights
from tests.server.services.texts import ids_of

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("model", ["letters", "words"])
def test_a_written_text_has_the_probability_that_it_was_written_with(stub: stubs.TextServiceStub, model: str) -> None:
    """Bit for bit, whatever temperature it was drawn at."""
    prompt = "a" if model == "words" else "ab"
    request = wire.GenerateRequest(
        model=model,
        prompt=prompt,
        decoding=Decoding(max_tokens=50, temperature=0.7, top_k=5),
        seed=4,
        return_log_probabilities=True,
    )
    (sequence,) = stub.Generate(request).sequences
    text = prompt + (" " if model == "words" else "") + sequence.text
    (result,) = stub.Score(wire.ScoreRequest(model=model, texts=[text], return_tokens=True)).results
    written = [token_id for token_id in sequence.token_ids if (model, token_id) != ("words", 2)]
    scored = list(result.tokens)[-len(written) :]
    assert [token.id for token in scored] == written
    assert [token.log_probability for token in scored] == list(sequence.log_probabilities)[: len(written)]


def test_a_texts_likelihood_is_the_sum_over_its_tokens(stub: stubs.TextServiceStub) -> None:
    """Without the first, of which a model without a start says nothing; their texts are what they add."""
    request = wire.ScoreRequest(model="letters", texts=["abc de", "fe"], return_tokens=True)
    answer = stub.Score(request)
    first, second = answer.results
    assert "".join(token.text for token in first.tokens) == "bc de"
    assert (first.num_tokens, second.num_tokens) == (5, 1)
    for result in answer.results:
        assert result.log_likelihood == math.fsum(token.log_probability for token in result.tokens)
        assert result.perplexity == pytest.approx(math.exp(-result.log_likelihood / result.num_tokens))
    assert answer.usage.num_prompt_tokens == 8
    assert answer.usage.num_output_tokens == 0
    assert not answer.metadata.HasField("seed")
    weights = Weights(1, len(LETTERS))
    logits = weights.read(np.array([ids_of("f")]), np.zeros((1, 16), np.float32))[0, -1] @ weights.readout
    expected = logits[LETTERS.index("e")] - np.log(np.exp(logits.astype(np.float64)).sum())
    assert second.log_likelihood == pytest.approx(float(expected), abs=1e-4)


def test_texts_are_scored_as_they_are_alone(stub: stubs.TextServiceStub) -> None:
    """Byte for byte."""
    texts = ["abc", "a b c d e f", "hgfedcba" * 9, "\N{GRINNING FACE}\n"]
    together = stub.Score(wire.ScoreRequest(model="letters", texts=texts, return_tokens=True)).results
    for text, result in zip(texts, together, strict=True):
        (alone,) = stub.Score(wire.ScoreRequest(model="letters", texts=[text], return_tokens=True)).results
        assert alone == result


def test_a_start_makes_the_first_token_count(stub: stubs.TextServiceStub) -> None:
    """A character of four bytes is the text of its last byte."""
    request = wire.ScoreRequest(model="bytes", texts=["\N{GRINNING FACE}"], return_tokens=True)
    (result,) = stub.Score(request).results
    assert [token.text for token in result.tokens] == ["", "", "", "\N{GRINNING FACE}"]
    assert result.num_tokens == 4


@pytest.mark.parametrize(
    ("model", "texts", "field", "message"),
    [
        ("letters", ["ab", "a"], "texts[1]", "has 1 token; it must have 2 or more, for the model has no start"),
        ("bytes", [""], "texts[0]", "has 1 token; it must have 2 or more, the model's start included"),
        ("letters", [], "texts", "has 0 texts; a call must have 1 … 256"),
        ("letters", ["ab"] * 257, "texts", "has 257 texts; a call must have 1 … 256"),
        ("letters", ["ab", "aQ"], "texts[1]", "has characters that the model has no token for: 'Q' (U+0051)"),
        ("letters", ["ab" * 120] * 3, "texts[2]", "brings the call to 720 tokens, start and end included; this"),
        ("short", ["abcdefgha"], "texts[0]", "has 9 tokens, start included; this model takes at most 8"),
    ],
)
def test_texts_that_cannot_be_scored_are_refused_by_name(
    stub: stubs.TextServiceStub, model: str, texts: list[str], field: str, message: str
) -> None:
    """Before anything runs."""
    code, text, named = refusal(lambda: stub.Score(wire.ScoreRequest(model=model, texts=texts)))
    assert (code, named) == (INVALID, field)
    assert text.startswith(f"{field}: {message}")
