"""`TextService` over a real gRPC server: who answers, from which seed, at what cost."""

from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.oip.running import Running
from tests.server.pictures.wires import refusal

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_health_knows_the_services(running: Running) -> None:
    """By their full names."""
    with grpc.insecure_channel(running.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        for service in ("podium.v1.TextService", "podium.v1.CaptioningService"):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_an_answer_says_who_wrote_it_from_which_seed_and_at_what_cost(stub: stubs.TextServiceStub) -> None:
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
def test_where_nothing_is_drawn_no_seed_is_chosen(stub: stubs.TextServiceStub, decoding: decoding_pb2.Decoding) -> None:
    """One that is asked for is told, as always."""
    decoding.max_tokens = 5
    request = wire.GenerateRequest(model="letters", prompt="a", decoding=decoding)
    assert not stub.Generate(request).metadata.HasField("seed")
    request.seed = 7
    assert stub.Generate(request).metadata.seed == 7


def test_seeds_are_chosen_anew_for_each_request_without_one(stub: stubs.TextServiceStub) -> None:
    """And a seed of 0 is one."""
    request = wire.GenerateRequest(model="letters", prompt="a", decoding=Decoding(max_tokens=1))
    assert len({stub.Generate(request).metadata.seed for _ in range(5)}) > 1
    request.seed = 0
    assert stub.Generate(request).metadata.seed == 0


def test_models_for_something_else_are_named_as_such(stub: stubs.TextServiceStub) -> None:
    """With what the call takes."""
    code, message, _ = refusal(lambda: stub.Generate(wire.GenerateRequest(model="translator", prompt="a")))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert message == "model: 'translator' is for translation; Generate takes models for text generation"
    code, message, _ = refusal(lambda: stub.Translate(wire.TranslateRequest(model="sums", texts=["a"])))
    assert message.startswith("model: 'sums' is for tensors, through the Open Inference Protocol; Translate takes")
    code, *_ = refusal(lambda: stub.Score(wire.ScoreRequest(model="nobody", texts=["ab"])))
    assert code == grpc.StatusCode.NOT_FOUND
