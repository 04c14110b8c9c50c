"""`TextService` over a real gRPC server, on small real networks whose formulas are known."""

import math
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.oip.running import Running
from tests.server.pictures.wires import refusal
from tests.server.services.networks import LETTERS, WORDS, Weights, greedy

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT
GREEDY = Decoding(temperature=0, max_tokens=40)


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.TextServiceStub]:
    """A client."""
    with grpc.insecure_channel(running.address) as channel:
        yield stubs.TextServiceStub(channel)


def ids_of(text: str) -> list[int]:
    """The tokens of a text of letters."""
    return [LETTERS.index(char) for char in text]


def text_of(ids: list[int]) -> str:
    """The text of tokens of letters."""
    return "".join(LETTERS[token_id] for token_id in ids)


def free_text(stub: stubs.TextServiceStub, max_tokens: int) -> str:
    """What follows "a" from seed 3 where no stop text ends it."""
    decoding = Decoding(max_tokens=max_tokens)
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


def test_health_knows_the_services(running: Running) -> None:
    """By their full names."""
    with grpc.insecure_channel(running.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("podium.v1.TextService", "podium.v1.CaptioningService"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


class TestGenerate:
    """`Generate` and `StreamGenerate`."""

    def test_greedy_text_is_the_formulas(self, stub: stubs.TextServiceStub) -> None:
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

    def test_an_answer_says_who_wrote_it_from_which_seed_and_at_what_cost(self, stub: stubs.TextServiceStub) -> None:
        """With these any text can be made again."""
        request = wire.GenerateRequest(model="letters/1", prompt="abc", decoding=Decoding(max_tokens=7))
        answer, call = stub.Generate.with_call(request)
        metadata, usage = answer.metadata, answer.usage
        assert (metadata.model, metadata.version, metadata.execution_provider) == (
            "letters",
            1,
            "CPUExecutionProvider",
        )
        assert metadata.HasField("seed")
        assert metadata.timings.total_ms > metadata.timings.run_ms > 0
        assert (usage.num_prompt_tokens, usage.num_output_tokens) == (3, 7)
        assert min(usage.prefill_ms, usage.decode_ms) > 0
        assert "run;dur=" in str(dict(call.trailing_metadata())["server-timing"])
        assert not answer.sequences[0].log_probabilities
        again = wire.GenerateRequest(model="letters", prompt="abc", decoding=Decoding(max_tokens=7), seed=metadata.seed)
        assert stub.Generate(again).sequences == answer.sequences

    @pytest.mark.parametrize("decoding", [Decoding(temperature=0), Decoding(num_beams=2)], ids=["greedy", "beams"])
    def test_where_nothing_is_drawn_no_seed_is_chosen(
        self, stub: stubs.TextServiceStub, decoding: decoding_pb2.Decoding
    ) -> None:
        """One that is asked for is told, as always."""
        decoding.max_tokens = 5
        request = wire.GenerateRequest(model="letters", prompt="a", decoding=decoding)
        assert not stub.Generate(request).metadata.HasField("seed")
        request.seed = 7
        assert stub.Generate(request).metadata.seed == 7

    def test_seeds_are_chosen_anew_for_each_request_without_one(self, stub: stubs.TextServiceStub) -> None:
        """And a seed of 0 is one."""
        request = wire.GenerateRequest(model="letters", prompt="a", decoding=Decoding(max_tokens=1))
        assert len({stub.Generate(request).metadata.seed for _ in range(5)}) > 1
        request.seed = 0
        assert stub.Generate(request).metadata.seed == 0

    @pytest.mark.parametrize("model", ["letters", "bytes", "words"])
    @pytest.mark.parametrize("stop", [(), ("e", "\N{GRINNING FACE}"), (" ",)])
    def test_a_stream_is_the_answer_in_pieces(
        self, stub: stubs.TextServiceStub, model: str, stop: tuple[str, ...]
    ) -> None:
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

    def test_sequences_of_a_request_depend_on_seed_and_number_alone(self, stub: stubs.TextServiceStub) -> None:
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

    def test_a_text_ends_before_its_first_stop_text(self, stub: stubs.TextServiceStub) -> None:
        """Whose tokens are told all the same."""
        free = stub.Generate(
            wire.GenerateRequest(model="letters", prompt="a", decoding=Decoding(max_tokens=99), seed=3)
        )
        text = free.sequences[0].text
        stop = text[20:23]
        place = text.index(stop)
        request = wire.GenerateRequest(
            model="letters", prompt="a", decoding=Decoding(max_tokens=99, stop=[stop, "never"]), seed=3
        )
        (sequence,) = stub.Generate(request).sequences
        assert sequence.text == text[:place]
        assert list(sequence.token_ids) == ids_of(text[: place + 3])
        assert sequence.finish_reason == decoding_pb2.FINISH_REASON_STOP

    def test_what_may_become_a_stop_text_is_not_shown_before_it_is_sure(self, stub: stubs.TextServiceStub) -> None:
        """No piece has it in part; at the end what was held back comes."""
        free = stub.Generate(
            wire.GenerateRequest(model="letters", prompt="a", decoding=Decoding(max_tokens=60), seed=3)
        )
        text = free.sequences[0].text
        for stop, reason in ((text[30:33], "STOP"), (text[-1] + "never", "LENGTH")):
            request = wire.StreamGenerateRequest(
                model="letters", prompt="a", decoding=Decoding(max_tokens=60, stop=[stop]), seed=3
            )
            (sequence,) = joined(list(stub.StreamGenerate(request)))
            assert sequence.text == (text[: text.index(stop)] if stop in text else text)
            assert decoding_pb2.FinishReason.Name(sequence.finish_reason) == f"FINISH_REASON_{reason}"

    def test_no_piece_has_half_a_character(self, stub: stubs.TextServiceStub) -> None:
        """Of a model that writes bytes; those that are no text become U+FFFD, as Python decodes all of them at once."""
        request = wire.StreamGenerateRequest(
            model="bytes", prompt="\N{GRINNING FACE}", decoding=Decoding(max_tokens=400), seed=1
        )
        (sequence,) = joined(list(stub.StreamGenerate(request)))
        assert sequence.text == bytes(token_id - 2 for token_id in sequence.token_ids).decode(errors="replace")

    def test_an_end_is_no_part_of_the_text(self, stub: stubs.TextServiceStub) -> None:
        """Its token is told, and why the sequence ended."""
        request = wire.GenerateRequest(model="words", decoding=Decoding(max_tokens=400), seed=2)
        (sequence,) = stub.Generate(request).sequences
        assert sequence.finish_reason == decoding_pb2.FINISH_REASON_END
        assert sequence.token_ids[-1] == 2
        assert sequence.text == " ".join(WORDS[token_id] for token_id in sequence.token_ids[:-1])

    def test_beams_come_best_first_and_in_one_piece(self, stub: stubs.TextServiceStub) -> None:
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

    def test_what_a_request_leaves_open_is_the_models_default(self, stub: stubs.TextServiceStub) -> None:
        """Three beams, five tokens, to the end of the line; a request that draws says so with one beam."""
        default = stub.Generate(wire.GenerateRequest(model="careful", prompt="ab")).sequences[0]
        asked = Decoding(num_beams=3, max_tokens=5, stop=["\n"])
        assert stub.Generate(wire.GenerateRequest(model="letters", prompt="ab", decoding=asked)).sequences[0] == default
        drawn = wire.GenerateRequest(
            model="careful", prompt="ab", decoding=Decoding(num_beams=1, temperature=1), seed=1
        )
        assert 1 <= len(stub.Generate(drawn).sequences[0].token_ids) <= 5

    def test_a_text_may_be_as_long_as_the_model_allows(self, stub: stubs.TextServiceStub) -> None:
        """Prompt and all; one that leaves no room is refused."""
        answer = stub.Generate(wire.GenerateRequest(model="short", prompt="abcde"))
        assert len(answer.sequences[0].token_ids) == 3
        assert answer.sequences[0].finish_reason == decoding_pb2.FINISH_REASON_LENGTH
        code, message, field = refusal(lambda: stub.Generate(wire.GenerateRequest(model="short", prompt="abcdefgh")))
        assert (code, field) == (INVALID, "prompt")
        assert message == "prompt: has 8 tokens, start included; this model takes at most 7"

    def test_unknown_characters_are_left_out_when_asked(self, stub: stubs.TextServiceStub) -> None:
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
        self, stub: stubs.TextServiceStub, fields: dict[str, Any], field: str, message: str
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

    def test_models_for_something_else_are_named_as_such(self, stub: stubs.TextServiceStub) -> None:
        """With what the call takes."""
        code, message, _ = refusal(lambda: stub.Generate(wire.GenerateRequest(model="translator", prompt="a")))
        assert code == grpc.StatusCode.FAILED_PRECONDITION
        assert message == "model: 'translator' is for translation; Generate takes models for text generation"
        code, message, _ = refusal(lambda: stub.Translate(wire.TranslateRequest(model="sums", texts=["a"])))
        assert message.startswith("model: 'sums' is for tensors, through the Open Inference Protocol; Translate takes")
        code, *_ = refusal(lambda: stub.Score(wire.ScoreRequest(model="nobody", texts=["ab"])))
        assert code == grpc.StatusCode.NOT_FOUND


class TestScore:
    """`Score`."""

    @pytest.mark.parametrize("model", ["letters", "words"])
    def test_a_written_text_has_the_probability_that_it_was_written_with(
        self, stub: stubs.TextServiceStub, model: str
    ) -> None:
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

    def test_a_texts_likelihood_is_the_sum_over_its_tokens(self, stub: stubs.TextServiceStub) -> None:
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

    def test_texts_are_scored_as_they_are_alone(self, stub: stubs.TextServiceStub) -> None:
        """Byte for byte."""
        texts = ["abc", "a b c d e f", "hgfedcba" * 9, "\N{GRINNING FACE}\n"]
        together = stub.Score(wire.ScoreRequest(model="letters", texts=texts, return_tokens=True)).results
        for text, result in zip(texts, together, strict=True):
            (alone,) = stub.Score(wire.ScoreRequest(model="letters", texts=[text], return_tokens=True)).results
            assert alone == result

    def test_a_start_makes_the_first_token_count(self, stub: stubs.TextServiceStub) -> None:
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
        self, stub: stubs.TextServiceStub, model: str, texts: list[str], field: str, message: str
    ) -> None:
        """Before anything runs."""
        code, text, named = refusal(lambda: stub.Score(wire.ScoreRequest(model=model, texts=texts)))
        assert (code, named) == (INVALID, field)
        assert text.startswith(f"{field}: {message}")


SENTENCES = [
    "eine katze sitzt auf der matte",
    "Hund",
    "der hund sitzt",
    "eine " * 7,
    "auf der matte sitzt eine katze " * 4,
    "katze hund " * 6,
]


class TestTranslate:
    """`Translate`."""

    @pytest.mark.parametrize(
        ("decoding", "num_best"),
        [(Decoding(), 1), (Decoding(num_beams=4), 3), (Decoding(temperature=1.2), 5)],
        ids=["greedy", "beams", "drawn"],
    )
    def test_each_text_gets_the_answer_that_it_gets_alone(
        self, stub: stubs.TextServiceStub, decoding: decoding_pb2.Decoding, num_best: int
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

    def test_what_is_unknown_is_named_or_replaced(self, stub: stubs.TextServiceStub) -> None:
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
        self, stub: stubs.TextServiceStub, fields: dict[str, Any], field: str, message: str
    ) -> None:
        """In words that say what would be right."""
        usual: dict[str, Any] = {"model": "translator", "texts": ["hund"]}
        code, text, named = refusal(lambda: stub.Translate(wire.TranslateRequest(**(usual | fields))))
        assert (code, named) == (INVALID, field)
        assert text.startswith(f"{field}: {message}")
