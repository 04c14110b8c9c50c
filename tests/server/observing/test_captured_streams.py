"""Captured calls whose answers were streamed: kept whole, as calls of the methods that give them whole."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from grpc import aio
from podium.v1 import captioning_service_pb2 as captioning
from podium.v1 import (
    captioning_service_pb2_grpc,
    decoding_pb2,
    forecast_service_pb2,
    image_service_pb2,
    image_service_pb2_grpc,
    model_service_pb2,
)
from podium.v1 import model_manifest_pb2 as manifest_pb
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs
from podium_server.reflection import service_of

from tests.server.observing.conftest import Serve
from tests.server.observing.test_capture import captured, end
from tests.server.pictures import models
from tests.server.services import networks

SERVICES = (captioning, forecast_service_pb2, image_service_pb2, model_service_pb2, wire)


def streamed_methods() -> list[MethodDescriptor]:
    """Those that answer one request with a stream."""
    methods = [method for file in SERVICES for method in service_of(file.DESCRIPTOR).methods]
    return [method for method in methods if method.server_streaming and not method.client_streaming]


def on_the_wire(field: FieldDescriptor) -> tuple[int, int, str]:
    """What a field's bytes depend on."""
    return field.number, field.type, field.message_type.full_name if field.message_type else ""


@pytest.mark.parametrize("method", streamed_methods(), ids=lambda method: method.name)
def test_streams_request_is_the_whole_answers_byte_for_byte(method: MethodDescriptor) -> None:
    """Fields of one number are of one type; a single picture is a list of one. A file keeps the bytes as they came."""
    whole = method.containing_service.methods_by_name[method.name.removeprefix("Stream")]
    assert whole is not method
    assert not whole.server_streaming
    streamed, asked = ([on_the_wire(f) for f in m.input_type.fields] for m in (method, whole))
    assert streamed == asked


async def test_streamed_text_is_kept_as_generates(serve: Serve, tmp_path: Path, repository: Path) -> None:
    """The text, the seed that was chosen and what it cost; Generate answers the kept request with the kept text."""
    networks.write_letters(repository / "letters" / "1")
    served = await serve(capture_dir=tmp_path / "kept", capture_share=1.0)
    texts: Any = stubs.TextServiceStub(served.channel)
    decoding = decoding_pb2.Decoding(max_tokens=40, temperature=1.0)
    request = wire.StreamGenerateRequest(model="letters", prompt="a cab", decoding=decoding, num_sequences=2)
    pieces = [piece async for message in texts.StreamGenerate(request) for piece in message.pieces]
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert (call.method, call.code, call.model) == ("podium.v1.TextService.Generate", "OK", "letters")
    kept = wire.GenerateResponse.FromString(call.response)
    for number, sequence in enumerate(kept.sequences):
        of_it = [piece for piece in pieces if piece.sequence == number]
        assert sequence.text == "".join(piece.text for piece in of_it)
        assert list(sequence.token_ids) == [token for piece in of_it for token in piece.token_ids]
        assert sequence.log_probability == of_it[-1].log_probability
    assert len(kept.sequences) == 2
    assert kept.usage.num_output_tokens == 80
    again = wire.GenerateRequest.FromString(call.request)
    again.seed = call.seed
    other = await serve()
    asked: Any = stubs.TextServiceStub(other.channel)
    assert (await asked.Generate(again)).sequences == kept.sequences


@pytest.mark.parametrize("num_beams", [1, 3])
async def test_streamed_captions_are_kept_as_captions(
    serve: Serve, tmp_path: Path, repository: Path, num_beams: int
) -> None:
    """Drawn or searched, with the score that they are ranked by; Caption gives the same for the kept request."""
    networks.write_captioner(repository / "captioner" / "1")
    served = await serve(capture_dir=tmp_path / "kept")
    stub: Any = captioning_service_pb2_grpc.CaptioningServiceStub(served.channel)
    searched = decoding_pb2.Decoding(num_beams=num_beams, length_penalty=0.5)
    request = captioning.StreamCaptionRequest(
        model="captioner",
        image=networks.picture(0, 0.25, 0.5, 1),
        decoding=decoding_pb2.Decoding(temperature=1.0) if num_beams == 1 else searched,
        num_captions=3,
        seed=3,
    )
    assert [message async for message in stub.StreamCaption(request)]
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert call.method == "podium.v1.CaptioningService.Caption"
    other = await serve()
    asked: Any = captioning_service_pb2_grpc.CaptioningServiceStub(other.channel)
    answer = await asked.Caption(captioning.CaptionRequest.FromString(call.request))
    assert answer.results == captioning.CaptionResponse.FromString(call.response).results


def write_painter(repository: Path) -> None:
    """A decoder whose pictures are its latents."""
    space = manifest_pb.LatentSpace(parts=[models.normal(4)])
    models.write_model(repository / "gan" / "1", {"decoder": models.plain_decoder()}, latent_space=space)


async def test_streamed_pictures_are_kept_as_samples(serve: Serve, tmp_path: Path, repository: Path) -> None:
    """All of them in order; Sample gives the same for the kept request and seed."""
    write_painter(repository)
    served = await serve(capture_dir=tmp_path / "kept")
    stub: Any = image_service_pb2_grpc.ImageServiceStub(served.channel)
    messages = [m async for m in stub.StreamSample(image_service_pb2.StreamSampleRequest(model="gan", count=10))]
    assert len(messages) > 1
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert call.method == "podium.v1.ImageService.Sample"
    kept = image_service_pb2.SampleResponse.FromString(call.response)
    assert list(kept.pictures) == [picture for message in messages for picture in message.pictures]
    again = image_service_pb2.SampleRequest.FromString(call.request)
    again.seed = call.seed
    other = await serve()
    asked: Any = image_service_pb2_grpc.ImageServiceStub(other.channel)
    assert (await asked.Sample(again)).pictures == kept.pictures


async def test_stream_of_many_pictures_is_not_kept(
    serve: Serve, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than Sample gives, or more bytes than may be held; its caller gets them all the same."""
    write_painter(repository)
    served = await serve(capture_dir=tmp_path / "kept")
    stub: Any = image_service_pb2_grpc.ImageServiceStub(served.channel)
    for count, num_bytes in ((1025, 2**22), (9, 100)):
        monkeypatch.setattr("podium_server.services.whole_sample.MAX_BYTES", num_bytes)
        stream = stub.StreamSample(image_service_pb2.StreamSampleRequest(model="gan", count=count))
        assert sum([len(message.pictures) async for message in stream]) == count
    await end(served)
    assert captured(tmp_path / "kept") == []


async def test_stream_that_failed_is_kept_and_one_that_was_left_is_not(
    serve: Serve, tmp_path: Path, repository: Path
) -> None:
    """Like calls with one answer: what failed through the model is worth to be tried elsewhere."""
    networks.write_letters(repository / "letters" / "1")
    served = await serve(capture_dir=tmp_path / "kept")
    texts: Any = stubs.TextServiceStub(served.channel)
    long = decoding_pb2.Decoding(max_tokens=8000)
    left = texts.StreamGenerate(wire.StreamGenerateRequest(model="letters", prompt="a cab", decoding=long))
    await anext(aiter(left))
    left.cancel()
    await served.server.gate.silent()
    generator: Any = served.server.catalogue.resolve("letters").generator

    def fail(jobs: Any) -> Any:
        raise ValueError("node 3")

    generator.start_all = fail
    with pytest.raises(aio.AioRpcError):
        await anext(aiter(texts.StreamGenerate(wire.StreamGenerateRequest(model="letters", prompt="a cab"))))
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert (call.method, call.code, call.response) == ("podium.v1.TextService.Generate", "INTERNAL", b"")
    assert wire.GenerateRequest.FromString(call.request).prompt == "a cab"
