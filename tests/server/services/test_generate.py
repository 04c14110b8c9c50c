"""`Generate` and `StreamGenerate` over a real gRPC server, on small real networks whose formulas are known."""

import math
from typing import Any

import grpc
import numpy as np
import pytest
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.server.pictures.wires import refusal
from tests.server.services.networks import LETTERS, Weights, greedy
from tests.server.services.texts import ids_of, joined, text_of

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT
GREEDY = Decoding(temperature=0, max_tokens=40)


def test_greedy_text_is_the_formulas(stub: stubs.TextServiceStub) -> None:
    """Token for token; its log-probabilities are the log-softmax of the network's logits."""
    answer = stub.Generate(
        wire.GenerateRequest(model="letters", prompt="abc", decoding=GREEDY, return_log_probabilities=True)
    )
    (sequence,) = answer.sequences
    weights = Weights(1, len(LETTERS))
    expected = greedy(weights, ids_of("abc"), 40)
    assert list(sequence.token_ids) == expected
    assert sequence.text == text_of(expected)
    assert sequence.finish_reason == decoding_pb2.FINISH_REASON_LENGTH
    read = [*ids_of("abc"), *expected]
    states = weights.read(np.array([read[:-1]]), np.zeros((1, 16), np.float32))[0, 2:].astype(np.float64)
    logits = states @ weights.readout
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    wanted = log_probabilities[np.arange(40), expected]
    np.testing.assert_allclose(sequence.log_probabilities, wanted, atol=1e-4)
    assert sequence.log_probability == sequence.score == math.fsum(sequence.log_probabilities)


@pytest.mark.parametrize("model", ["letters", "bytes", "words"])
@pytest.mark.parametrize("stop", [(), ("e", "\N{GRINNING FACE}"), (" ",)])
def test_a_stream_is_the_answer_in_pieces(stub: stubs.TextServiceStub, model: str, stop: tuple[str, ...]) -> None:
    """The same sequences; the first message names the seed, the last has times and usage."""
    fields: dict[str, Any] = {
        "model": model,
        "prompt": "a",
        "decoding": Decoding(max_tokens=150, stop=stop),
        "seed": 5,
        "num_sequences": 4,
        "return_log_probabilities": True,
    }
    whole = stub.Generate(wire.GenerateRequest(**fields))
    answers = list(stub.StreamGenerate(wire.StreamGenerateRequest(**fields)))
    assert joined(answers, 4) == list(whole.sequences)
    assert answers[0].metadata.seed == answers[-1].metadata.seed == 5
    assert all(answer.pieces for answer in answers)
    assert answers[-1].metadata.timings.total_ms > 0
    assert answers[-1].usage.num_output_tokens == whole.usage.num_output_tokens
    assert not any(answer.HasField("usage") for answer in answers[:-1])
    assert not any(answer.HasField("metadata") for answer in answers[1:-1])


def test_sequences_of_a_request_depend_on_seed_and_number_alone(stub: stubs.TextServiceStub) -> None:
    """The first of five is the one of one, and a long prompt's neighbours change nothing."""
    request = wire.GenerateRequest(
        model="letters", prompt="ab", decoding=Decoding(max_tokens=30), seed=9, num_sequences=5
    )
    five = list(stub.Generate(request).sequences)
    assert len({sequence.text for sequence in five}) == 5
    for count in (1, 2, 3):
        request.num_sequences = count
        assert list(stub.Generate(request).sequences) == five[:count]
    request.num_sequences = 0
    assert list(stub.Generate(request).sequences) == five[:1]


def test_beams_come_best_first_and_in_one_piece(stub: stubs.TextServiceStub) -> None:
    """No worse than the greedy text; a stream tells them at the end, and a stop text cuts what was found."""
    fields: dict[str, Any] = {"model": "letters", "prompt": "ab", "return_log_probabilities": True}
    best = Decoding(num_beams=4, max_tokens=8, length_penalty=0)
    found = stub.Generate(wire.GenerateRequest(decoding=best, num_sequences=4, **fields)).sequences
    assert [sequence.score for sequence in found] == sorted((s.score for s in found), reverse=True)
    assert len({sequence.text for sequence in found}) == 4
    for sequence in found:
        assert sequence.log_probability == math.fsum(sequence.log_probabilities)
        assert sequence.score == pytest.approx(sequence.log_probability)
    plain = stub.Generate(wire.GenerateRequest(decoding=Decoding(temperature=0, max_tokens=8), **fields))
    assert found[0].score >= plain.sequences[0].score - 1e-9
    streamed = list(stub.StreamGenerate(wire.StreamGenerateRequest(decoding=best, num_sequences=4, **fields)))
    assert len(streamed) == 1
    assert [piece.text for piece in streamed[0].pieces] == [sequence.text for sequence in found]
    best.stop.append(found[0].text[3])
    (cut, *_) = stub.Generate(wire.GenerateRequest(decoding=best, num_sequences=4, **fields)).sequences
    assert cut.text == found[0].text[: found[0].text.index(best.stop[0])]
    assert len(cut.token_ids) == len(cut.log_probabilities) == len(cut.text) + 1
    assert cut.finish_reason == decoding_pb2.FINISH_REASON_STOP


def test_what_a_request_leaves_open_is_the_models_default(stub: stubs.TextServiceStub) -> None:
    """Three beams, five tokens, to the end of the line; a request that draws says so with one beam."""
    default = stub.Generate(wire.GenerateRequest(model="careful", prompt="ab")).sequences[0]
    asked = Decoding(num_beams=3, max_tokens=5, stop=["\n"])
    assert stub.Generate(wire.GenerateRequest(model="letters", prompt="ab", decoding=asked)).sequences[0] == default
    drawn = wire.GenerateRequest(model="careful", prompt="ab", decoding=Decoding(num_beams=1, temperature=1), seed=1)
    assert 1 <= len(stub.Generate(drawn).sequences[0].token_ids) <= 5


def test_a_text_may_be_as_long_as_the_model_allows(stub: stubs.TextServiceStub) -> None:
    """Prompt and all; one that leaves no room is refused."""
    answer = stub.Generate(wire.GenerateRequest(model="short", prompt="abcde"))
    assert len(answer.sequences[0].token_ids) == 3
    assert answer.sequences[0].finish_reason == decoding_pb2.FINISH_REASON_LENGTH
    code, message, field = refusal(lambda: stub.Generate(wire.GenerateRequest(model="short", prompt="abcdefgh")))
    assert (code, field) == (INVALID, "prompt")
    assert message == "prompt: has 8 tokens, start included; this model takes at most 7"


def test_unknown_characters_are_left_out_when_asked(stub: stubs.TextServiceStub) -> None:
    """The model has no unknown token."""
    fields: dict[str, Any] = {"model": "letters", "decoding": GREEDY, "replace_unknown": True}
    whole = stub.Generate(wire.GenerateRequest(prompt="aXbYc", **fields))
    assert whole.sequences == stub.Generate(wire.GenerateRequest(prompt="abc", **fields)).sequences


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"prompt": ""}, "prompt", "has 0 tokens; it must have 1 or more, for the model has no start"),
        ({"prompt": "aQ"}, "prompt", "has characters that the model has no token for: 'Q' (U+0051);"),
        ({"prompt": "a" * 501}, "prompt", "brings the call to 501 tokens, start and end included; this server"),
        ({"prompt": "a" * 8001}, "prompt", "has 8001 characters; this server reads at most 500 tokens in a"),
        ({"num_sequences": 65}, "num_sequences", "is 65; must be 0 … 64"),
        (
            {"decoding": Decoding(num_beams=2), "num_sequences": 3},
            "num_sequences",
            "is 3; must be 0 … 2, the number of beams",
        ),
        ({"decoding": Decoding(temperature=-1)}, "decoding.temperature", "is -1.0; must be 0 … 100"),
        ({"decoding": Decoding(temperature=math.nan)}, "decoding.temperature", "is nan; must be 0 … 100"),
        ({"decoding": Decoding(top_p=1.5)}, "decoding.top_p", "is 1.5; must be above 0 and at most 1"),
        ({"decoding": Decoding(top_p=0)}, "decoding.top_p", "is 0.0; must be above 0 and at most 1"),
        (
            {"decoding": Decoding(repetition_penalty=0)},
            "decoding.repetition_penalty",
            "is 0.0; must be above 0 and at most 100",
        ),
        ({"decoding": Decoding(max_tokens=0)}, "decoding.max_tokens", "is 0; must be 1 or more"),
        ({"decoding": Decoding(max_tokens=401)}, "decoding.max_tokens", "is 401; must be at most 400 on this"),
        ({"decoding": Decoding(num_beams=17)}, "decoding.num_beams", "is 17; must be 1 … 16"),
        ({"decoding": Decoding(num_beams=0)}, "decoding.num_beams", "is 0; must be 1 … 16"),
        (
            {"decoding": Decoding(num_beams=2, length_penalty=-0.5)},
            "decoding.length_penalty",
            "is -0.5; must be 0 … 10",
        ),
        (
            {"decoding": Decoding(num_beams=2, temperature=0.5)},
            "decoding.temperature",
            "is 0.5; must be left unset or 0 with beam search (num_beams is 2); set num_beams to 1 to draw",
        ),
        ({"decoding": Decoding(num_beams=2, top_k=5)}, "decoding.top_k", "is 5; must be left unset or 0 with"),
        ({"decoding": Decoding(stop=["a", ""])}, "decoding.stop[1]", "has 0 characters; must have 1 … 256"),
        ({"decoding": Decoding(stop=["a" * 257])}, "decoding.stop[0]", "has 257 characters; must have 1 … 256"),
        ({"decoding": Decoding(stop=["a"] * 17)}, "decoding.stop", "has 17 texts; must have at most 16"),
        (
            {"model": "careful", "decoding": Decoding(temperature=0.5)},
            "decoding.temperature",
            "is 0.5; must be left unset or 0 with beam search (num_beams is 3, the model's default); set num_beams",
        ),
    ],
)
def test_bad_input_is_refused_by_its_field(
    stub: stubs.TextServiceStub, fields: dict[str, Any], field: str, message: str
) -> None:
    """By both methods alike, in words that say what would be right."""
    usual: dict[str, Any] = {"model": "letters", "prompt": "a"}
    calls = (
        lambda: stub.Generate(wire.GenerateRequest(**(usual | fields))),
        lambda: list(stub.StreamGenerate(wire.StreamGenerateRequest(**(usual | fields)))),
    )
    for call in calls:
        code, text, named = refusal(call)
        assert (code, named) == (INVALID, field)
        assert text.startswith(f"{field}: {message}")
