"""Requests made to harm: each is refused with its reason, and the next one is answered."""

import asyncio
import struct
import zlib
from collections.abc import Callable
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grpc import StatusCode, aio
from PIL import Image
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc
from podium.v1 import model_service_pb2 as pb
from podium_server.imaging.decode import ImageLimits, ImageRejected, decode
from podium_server.imaging.scans import MOST_SCANS, has_too_many_scans
from podium_server.oip.messages import ModelInferRequest, ModelStatisticsRequest, ModelStatisticsResponse
from podium_server.versions.route import Route

from tests.security.conftest import Running, Start
from tests.security.test_limits import infer, infer_request
from tests.server.video.asking import tensor as tensor_image
from tests.server.video.models import write_frames

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, *before: bytes) -> bytes:
    """A PNG file of grey pixels that says it is so large."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def saved(kind: str, width: int, height: int, **options: Any) -> bytes:
    """A real file of black pixels."""
    buffer = BytesIO()
    Image.new("L", (width, height)).save(buffer, kind, **options)
    return buffer.getvalue()


def with_size(encoded: bytes, kind: str) -> bytes:
    """A small file that says it is of 60,000 by 60,000 pixels, or of what its format can say at most."""
    if kind == "JPEG":
        at = encoded.index(b"\xff\xc0") + 5
        return encoded[:at] + struct.pack(">HH", 60_000, 60_000) + encoded[at + 4 :]
    at = encoded.index(b"\x9d\x01\x2a") + 3  # of the key frame of a lossy WebP
    return encoded[:at] + struct.pack("<HH", 0x3FFF, 0x3FFF) + encoded[at + 4 :]


def zip_bomb() -> bytes:
    """Nine megapixels and a half of nothing in some kilobytes."""
    return png(30_000, 30_000, zlib.compress(bytes(30_001 * 300), 9))


def text_bomb() -> bytes:
    """A comment of 200 MB in some kilobytes, before a sound picture."""
    return png(1, 1, zlib.compress(b"\0\0"), png_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(200_000_000), 1)))


@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (zip_bomb, "is 30000×30000 pixels, 900000000 in all; at most 1000000 are taken"),
        (lambda: png(2**31 - 1, 2**31 - 1, b""), "pixels, 4611686014132420609 in all; at most 1000000 are taken"),
        (lambda: png(0, 0, zlib.compress(b"")), "is no whole PNG file|is a PNG file that is cut short"),
        (text_bomb, "PNG file"),
        (lambda: with_size(saved("JPEG", 8, 8), "JPEG"), "is 60000×60000 pixels"),
        (lambda: with_size(saved("WEBP", 8, 8), "WEBP"), "is 16383×16383 pixels"),
        (lambda: saved("WEBP", 1100, 1000, lossless=True), "is 1100×1000 pixels"),
        (lambda: saved("GIF", 65_000, 10), "is GIF, which is not accepted"),
        (lambda: saved("TIFF", 8, 8), "is TIFF, which is not accepted"),
        (lambda: saved("PNG", 8, 8) + bytes(10_000_000), "bytes long; at most 10000000 are taken"),
    ],
)
def test_a_picture_that_would_fill_the_memory_is_refused(bomb: Callable[[], bytes], words: str) -> None:
    """By what it says of itself, before anything is decoded."""
    with pytest.raises(ImageRejected, match=words):
        decode(bomb(), LIMITS)


def many_scans(count: int, tail: bytes = b"") -> bytes:
    """A sound progressive JPEG whose last scan is there so many times more."""
    encoded = saved("JPEG", 64, 64, progressive=True)
    end, last = encoded.rindex(b"\xff\xd9"), encoded.rindex(b"\xff\xda")
    return encoded[:end] + encoded[last:end] * count + encoded[end:] + tail


def test_a_jpeg_goes_over_its_picture_so_often_and_no_more() -> None:
    """Each time costs as much as the picture is large, and some bytes."""
    with pytest.raises(ImageRejected, match="is a JPEG of more than 64 scans: save it again"):
        decode(many_scans(1_000), LIMITS)
    for kind in ({}, {"progressive": True}):
        assert decode(saved("JPEG", 64, 64, **kind), LIMITS).size == (64, 64)
    assert not has_too_many_scans(many_scans(MOST_SCANS - 20))


def test_what_follows_a_jpeg_is_no_scan() -> None:
    """Telephones put a film behind the picture, whose bytes may be any."""
    encoded = saved("JPEG", 64, 64) + b"\xff\xda\0\0" * 1_000
    assert encoded.count(b"\xff\xda") > MOST_SCANS
    assert decode(encoded, LIMITS).size == (64, 64)


def tensor(shape: list[int], datatype: str = "FP32", raw: bytes | None = b"", **contents: Any) -> Any:
    """A request for y = 2x with one tensor."""
    of = ModelInferRequest.InferInputTensor(name="x", datatype=datatype, shape=shape)
    for field, values in contents.items():
        getattr(of.contents, field).extend(values)
    return ModelInferRequest(model_name="double", inputs=[of], raw_input_contents=[] if raw is None else [raw])


@pytest.mark.parametrize(
    "request_",
    [
        tensor([-1, 3]),
        tensor([-(2**63), 3]),
        tensor([2**62, 3]),
        tensor([2**31, 2**31]),
        tensor([2**63 - 1, 2**63 - 1]),
        tensor([2**32 + 1, 3], raw=bytes(12)),
        tensor([1] * 10_000),
        tensor([1, 3], raw=bytes(11)),
        tensor([1, 3], raw=bytes(4_000_000)),
        tensor([2**61, 3], raw=None, fp32_contents=[1, 2, 3]),
        tensor([-1, -3], raw=None, fp32_contents=[1, 2, 3]),
        tensor([1, 3], raw=None, int64_contents=[1, 2, 3]),
        tensor([1, 3], "FP999"),
        tensor([1, 3], "BYTES", raw=b"\xff\xff\xff\xff" * 3),
        tensor([0, 3], raw=bytes(12)),
    ],
    ids=str,
)
async def test_a_shape_that_lies_is_refused(start: Start, request_: Any) -> None:
    """Negative, overflowing, of thousands of axes, or of other bytes than it says; the next one is answered."""
    running = await start()
    async with aio.insecure_channel(running.address) as channel:
        with pytest.raises(aio.AioRpcError) as refusal:
            await infer(channel, request_)
        assert refusal.value.code() is StatusCode.INVALID_ARGUMENT, refusal.value.details()
        await infer(channel, infer_request())


async def raw_call(running: Running, method: str, data: bytes, metadata: Any = None) -> aio.AioRpcError:
    """Send bytes that must be refused."""
    async with aio.insecure_channel(running.address) as channel:
        call: Any = channel.unary_unary(method)
        with pytest.raises(aio.AioRpcError) as refusal:
            await call(data, timeout=30, metadata=metadata)
    return refusal.value


async def test_messages_nested_without_end_are_no_messages(start: Start) -> None:
    """A million groups, each in the one before: the parser's limit is not the stack's."""
    running = await start()
    for method in ("/podium.v1.ModelService/GetModel", "/inference.GRPCInferenceService/ModelInfer"):
        error = await raw_call(running, method, b"\x0b" * 1_000_000)
        assert error.code() is StatusCode.INVALID_ARGUMENT
        assert "the request cannot be read" in str(error.details())


async def test_junk_for_health_is_the_callers_error(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Its library would answer UNKNOWN and write a trace, which anybody could fill a disk with."""
    running = await start()
    error = await raw_call(running, "/grpc.health.v1.Health/Check", b"\xff")
    assert error.code() is StatusCode.INVALID_ARGUMENT
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_message_above_the_limit_is_refused_unread(start: Start) -> None:
    """RESOURCE_EXHAUSTED by gRPC itself."""
    running = await start(max_message_bytes=10_000)
    error = await raw_call(running, "/inference.GRPCInferenceService/ModelInfer", bytes(20_000))
    assert error.code() is StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in str(error.details())


async def test_headers_without_end_are_refused(start: Start) -> None:
    """On both ports; gRPC and uvicorn hold what they read of them to some kilobytes."""
    running = await start()
    metadata = tuple((f"x-{i}", "a" * 1_000) for i in range(100))
    error = await raw_call(running, "/podium.v1.ModelService/ListModels", b"", metadata)
    assert error.code() in (StatusCode.RESOURCE_EXHAUSTED, StatusCode.UNAVAILABLE)
    status = await asyncio.to_thread(_ask_with_header, running.ports.http, "a" * 1_000_000)
    assert status in (0, 400, 431)
    assert await asyncio.to_thread(_ask_with_header, running.ports.http, "a") == 200


def _ask_with_header(port: int, value: str) -> int:
    """The status of an answer; 0 where the connection was closed instead."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/livez", headers={"x-header": value})
        return connection.getresponse().status
    except (ConnectionError, OSError):
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["../double", "double/../double", "/etc/passwd", "double\0", "a" * 100_000, "\u202e"])
async def test_a_name_is_never_a_path(start: Start, name: str) -> None:
    """Neither to ask nor to load: nothing beside the repository is looked at, and the answer is of a sane length."""
    running = await start()
    for method in ("GetModel", "LoadModel", "UnloadModel"):
        data = pb.GetModelRequest(model=name).SerializeToString()  # the field has one number in all three
        error = await raw_call(running, f"/podium.v1.ModelService/{method}", data)
        assert error.code() in (StatusCode.INVALID_ARGUMENT, StatusCode.NOT_FOUND)
        assert len(str(error.details())) < 2_000


async def test_a_clip_of_billions_of_frames_is_refused_by_their_number(start: Start, repository: Path) -> None:
    """A number of a few bytes is not made a list of gigabytes."""
    write_frames(repository / "frames" / "1")
    running = await start()
    options = wire.ClassifyVideoOptions(model="frames", num_frames_sampled_from=2**32 - 1)
    frame = tensor_image(np.zeros(3, np.float32))
    async with aio.insecure_channel(running.address) as channel:
        stub: Any = classification_service_pb2_grpc.ClassificationServiceStub(channel)
        clip = [wire.ClassifyVideoRequest(options=options), wire.ClassifyVideoRequest(frames=[frame])]
        with pytest.raises(aio.AioRpcError) as refusal:
            await stub.ClassifyVideo(iter(clip), timeout=30)
    assert refusal.value.code() is StatusCode.INVALID_ARGUMENT
    assert "of 4294967295 frames this model reads 4294967295; there are 1" in str(refusal.value.details())


async def test_statistics_of_an_alias_are_those_of_its_version(start: Start) -> None:
    """A name that is found is no key of the table of names."""
    running = await start()
    await running.server.catalogue.set_alias("double", "stable", Route(1))
    async with aio.insecure_channel(running.address) as channel:
        call: Any = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelStatistics",
            request_serializer=ModelStatisticsRequest.SerializeToString,
            response_deserializer=ModelStatisticsResponse.FromString,
        )
        for name in ("double", "double@stable"):
            answer = await call(ModelStatisticsRequest(name=name), timeout=30)
            assert [(each.name, each.version) for each in answer.model_stats] == [("double", "1")]
