"""Copies of calls whose answers are streamed: asked whole of a candidate, and compared whole."""

from pathlib import Path
from typing import Any

import numpy as np
from podium.v1 import captioning_service_pb2, captioning_service_pb2_grpc, decoding_pb2
from podium.v1 import model_manifest_pb2 as manifest
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs

from tests.server.services import networks
from tests.server.versions.conftest import Running, Serve
from tests.server.versions.test_shadow import counted, plain_distance, shadow

DRAWN = decoding_pb2.Decoding(max_tokens=30, temperature=1.0)


def write_other_letters(folder: Path) -> None:
    """The character model with other weights."""
    generation = manifest.Generation(tokenizer=networks.characters(), states=[networks.zero_state()])
    networks.write_text_model(folder, generation, networks.Weights(31, len(networks.LETTERS)))


async def stream(running: Running, **fields: Any) -> tuple[list[str], int]:
    """Have a text written as it comes: the texts of its sequences, and the seed."""
    request = wire.StreamGenerateRequest(model="letters", prompt="ab", decoding=DRAWN, **fields)
    texts, seed = [""] * max(1, request.num_sequences), 0
    writer: Any = stubs.TextServiceStub(running.channel)
    async for message in writer.StreamGenerate(request):
        seed = message.metadata.seed or seed
        for piece in message.pieces:
            texts[piece.sequence] += piece.text
    return texts, seed


async def test_streamed_texts_of_the_same_weights_agree(repository: Path, serve: Serve) -> None:
    """All sequences of a stream, drawn from the seed that the server chose, as the copy is then too."""
    for version in (1, 2):
        networks.write_letters(repository / "letters" / str(version))
    running = await serve()
    labels, metrics = await shadow(running, "letters"), running.server.metrics
    await stream(running, num_sequences=3)
    await running.server.shadow.caught_up()
    assert counted(metrics, "items_total", agreement="agreed", **labels) == 3
    assert counted(metrics, "edit_distance_sum", **labels) == 0


async def test_streamed_text_is_as_far_from_the_candidates_as_the_whole_one(repository: Path, serve: Serve) -> None:
    """What the candidate writes from the same seed, by the plain table; the caller has version 1's."""
    networks.write_letters(repository / "letters" / "1")
    write_other_letters(repository / "letters" / "2")
    running = await serve()
    labels, metrics = await shadow(running, "letters"), running.server.metrics
    (given,), seed = await stream(running)
    await running.server.shadow.caught_up()
    writer: Any = stubs.TextServiceStub(running.channel)
    texts = []
    for version in (1, 2):
        request = wire.GenerateRequest(model=f"letters/{version}", prompt="ab", decoding=DRAWN, seed=seed)
        texts.append((await writer.Generate(request)).sequences[0].text)
    assert texts[0] == given
    distance = plain_distance(*texts) / max(map(len, texts))
    assert distance > 0
    assert counted(metrics, "edit_distance_sum", **labels) == distance
    assert counted(metrics, "items_total", agreement="differed", **labels) == 1


async def test_streamed_captions_are_compared_ranked(repository: Path, serve: Serve) -> None:
    """They come in the order in which they are drawn, and the candidate's best first."""
    for version in (1, 2):
        networks.write_captioner(repository / "captioner" / str(version))
    running = await serve()
    labels, metrics = await shadow(running, "captioner"), running.server.metrics
    captioner: Any = captioning_service_pb2_grpc.CaptioningServiceStub(running.channel)
    request = captioning_service_pb2.StreamCaptionRequest(
        model="captioner", image=networks.picture(*np.linspace(0, 1, 4)), decoding=DRAWN, num_captions=8, seed=5
    )
    ended = [
        piece.log_probability
        async for message in captioner.StreamCaption(request)
        for piece in sorted(message.pieces, key=lambda piece: piece.sequence)
        if piece.finish_reason
    ]
    assert ended != sorted(ended, reverse=True), "else they would be ranked by chance"
    await running.server.shadow.caught_up()
    assert counted(metrics, "items_total", agreement="agreed", **labels) == 8


async def test_stream_that_its_caller_left_is_not_copied(repository: Path, serve: Serve) -> None:
    """There is no whole answer to compare with."""
    for version in (1, 2):
        networks.write_letters(repository / "letters" / str(version))
    running = await serve()
    labels, metrics = await shadow(running, "letters"), running.server.metrics
    writer: Any = stubs.TextServiceStub(running.channel)
    endless = decoding_pb2.Decoding(max_tokens=8000)
    call = writer.StreamGenerate(wire.StreamGenerateRequest(model="letters", prompt="ab", decoding=endless, seed=1))
    await anext(aiter(call))
    call.cancel()
    await stream(running)
    await running.server.gate.silent()
    await running.server.shadow.caught_up()
    outcomes = {o: counted(metrics, "calls_total", outcome=o, **labels) for o in ("compared", "dropped", "failed")}
    assert outcomes == {"compared": 1, "dropped": 0, "failed": 0}


async def test_nothing_is_put_together_where_nobody_keeps_it(repository: Path, serve: Serve, monkeypatch: Any) -> None:
    """A stream without a shadow costs what it did."""
    networks.write_letters(repository / "letters" / "1")
    monkeypatch.setattr("podium_server.services.text._whole", None)
    running = await serve()
    (text,), _ = await stream(running)
    assert len(text) > 0
