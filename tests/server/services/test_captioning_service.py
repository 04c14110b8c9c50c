"""`CaptioningService` over a real gRPC server, on a small real network whose formulas are known."""

import math
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from podium.v1 import captioning_service_pb2 as wire
from podium.v1 import captioning_service_pb2_grpc as stubs
from podium.v1 import decoding_pb2, image_pb2

from tests.oip.running import Running
from tests.server.pictures.wires import encoded, refusal
from tests.server.services.networks import WORDS, Weights, picture, pixel_weights

Decoding = decoding_pb2.Decoding
INVALID = grpc.StatusCode.INVALID_ARGUMENT
PICTURES = [picture(0.0, 0.25, 0.5, 1.0), picture(1.0, 0.0, 0.75, 0.125), picture(0.5, 0.5, 0.0, 0.25)]


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.CaptioningServiceStub]:
    """A client."""
    with grpc.insecure_channel(running.address) as channel:
        yield stubs.CaptioningServiceStub(channel)


def caption_of(pixels: list[float], most: int = 19) -> list[int]:
    """The most probable words of the formulas, up to the end."""
    weights = Weights(5, len(WORDS))
    state = np.tanh(np.array([pixels], np.float32) @ pixel_weights())
    ids = [1]
    while len(ids) <= most and ids[-1] != 2:
        state = weights.read(np.array([[ids[-1]]]), state)[:, -1]
        logits = (state @ weights.readout)[0]
        logits[[0, 1]] = -np.inf
        ids.append(int(np.argmax(logits)))
    return ids[1:]


def test_the_usual_caption_is_the_most_probable_words(stub: stubs.CaptioningServiceStub) -> None:
    """Of the formulas, token for token: what is left open is temperature 0."""
    answer = stub.Caption(wire.CaptionRequest(model="captioner", images=PICTURES))
    for image, result in zip(PICTURES, answer.results, strict=True):
        (caption,) = result.captions
        expected = caption_of(np.frombuffer(image.tensor.data, "<f4").tolist())
        assert list(caption.token_ids) == expected
        assert caption.text == " ".join(WORDS[token_id] for token_id in expected if token_id != 2)
        ended = expected[-1] == 2
        assert caption.finish_reason == getattr(decoding_pb2, f"FINISH_REASON_{'END' if ended else 'LENGTH'}")
        assert not caption.log_probabilities
    assert answer.usage.num_prompt_tokens == 3
    assert answer.usage.num_output_tokens == sum(len(result.captions[0].token_ids) for result in answer.results)
    assert (answer.metadata.model, answer.metadata.version) == ("captioner", 1)


@pytest.mark.parametrize(
    ("decoding", "num_best"),
    [(Decoding(), 1), (Decoding(num_beams=5, length_penalty=0.7), 4), (Decoding(temperature=1), 6)],
    ids=["greedy", "beams", "drawn"],
)
def test_each_picture_gets_the_captions_that_it_gets_alone(
    stub: stubs.CaptioningServiceStub, decoding: decoding_pb2.Decoding, num_best: int
) -> None:
    """Byte for byte, the best first."""
    fields: dict[str, Any] = {
        "model": "captioner",
        "decoding": decoding,
        "seed": 3,
        "num_best": num_best,
        "return_log_probabilities": True,
    }
    together = stub.Caption(wire.CaptionRequest(images=PICTURES, **fields))
    for image, result in zip(PICTURES, together.results, strict=True):
        assert list(stub.Caption(wire.CaptionRequest(images=[image], **fields)).results) == [result]
        scores = [caption.score for caption in result.captions]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) == num_best
        for caption in result.captions:
            assert caption.log_probability == math.fsum(caption.log_probabilities)


def test_the_best_captions_are_found_without_a_word_of_beams(stub: stubs.CaptioningServiceStub) -> None:
    """As many beams as captions are wanted, and no seed, for nothing is drawn."""
    best = stub.Caption(wire.CaptionRequest(model="captioner", images=PICTURES, num_best=3))
    decoding = Decoding(num_beams=3)
    searched = stub.Caption(wire.CaptionRequest(model="captioner", images=PICTURES, num_best=3, decoding=decoding))
    assert list(best.results) == list(searched.results)
    assert not best.metadata.HasField("seed")


def test_files_of_pictures_are_read(stub: stubs.CaptioningServiceStub) -> None:
    """A PNG file of the same pixels gets the same caption."""
    file = stub.Caption(wire.CaptionRequest(model="captioner", images=[encoded(0, 51, 102, 255)]))
    same = picture(0.0, *(np.array([51, 102], np.float32) * np.float32(1 / 255)).tolist(), 1.0)
    numbers = stub.Caption(wire.CaptionRequest(model="captioner", images=[same]))
    assert file.results[0].captions[0].text == numbers.results[0].captions[0].text


@pytest.mark.parametrize(
    ("decoding", "count"), [(Decoding(), 1), (Decoding(temperature=1), 3), (Decoding(num_beams=3), 2)]
)
def test_a_stream_is_the_captions_in_pieces(
    stub: stubs.CaptioningServiceStub, decoding: decoding_pb2.Decoding, count: int
) -> None:
    """By number; `Caption` has the same ones, the best first."""
    fields: dict[str, Any] = {"model": "captioner", "decoding": decoding, "seed": 8}
    answers = list(stub.StreamCaption(wire.StreamCaptionRequest(image=PICTURES[1], num_captions=count, **fields)))
    texts = [""] * count
    log_probabilities = [0.0] * count
    for answer in answers:
        for piece in answer.pieces:
            texts[piece.sequence] += piece.text
            log_probabilities[piece.sequence] = piece.log_probability
    best = stub.Caption(wire.CaptionRequest(images=[PICTURES[1]], num_best=count, **fields)).results[0].captions
    assert sorted(texts) == sorted(caption.text for caption in best)
    assert sorted(log_probabilities, reverse=True) == [caption.log_probability for caption in best]
    assert answers[0].metadata.seed == answers[-1].metadata.seed == 8
    assert answers[-1].metadata.timings.total_ms > 0
    assert answers[-1].usage.num_output_tokens > 0


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"images": []}, "images", "has 0 pictures; a call must have 1 … 256"),
        ({"images": [PICTURES[0], image_pb2.Image()]}, "images[1]", "is empty; it must have encoded or tensor"),
        ({"images": [image_pb2.Image(encoded=b"GIF")]}, "images[0].encoded", ""),
        ({"num_best": 17}, "num_best", "is 17; must be 0 … 16 with beam search"),
        ({"num_best": 2, "decoding": Decoding(num_beams=1)}, "num_best", "is 2; must be 0 or 1 where nothing is drawn"),
        ({"decoding": Decoding(num_beams=2), "num_best": 3}, "num_best", "is 3; must be 0 … 2, the number of beams"),
        ({"decoding": Decoding(top_p=2)}, "decoding.top_p", "is 2.0; must be above 0 and at most 1"),
        (
            {"images": PICTURES * 10, "decoding": Decoding(num_beams=3)},
            "images",
            "come to 90 sequences, beams included; a call may have 64 on this server",
        ),
    ],
)
def test_bad_input_is_refused_by_its_field(
    stub: stubs.CaptioningServiceStub, fields: dict[str, Any], field: str, message: str
) -> None:
    """In words that say what would be right."""
    usual: dict[str, Any] = {"model": "captioner", "images": PICTURES[:1]}
    code, text, named = refusal(lambda: stub.Caption(wire.CaptionRequest(**(usual | fields))))
    assert (code, named) == (INVALID, field)
    assert text.startswith(f"{field}: {message}")


def test_a_stream_names_its_own_fields(stub: stubs.CaptioningServiceStub) -> None:
    """A call without a picture, or with more captions than beams."""
    missing = wire.StreamCaptionRequest(model="captioner")
    code, text, field = refusal(lambda: list(stub.StreamCaption(missing)))
    assert (code, field, text) == (INVALID, "image", "image: is empty; it must have encoded or tensor")
    many = wire.StreamCaptionRequest(
        model="captioner", image=PICTURES[0], num_captions=3, decoding=Decoding(num_beams=2)
    )
    code, text, field = refusal(lambda: list(stub.StreamCaption(many)))
    assert (code, field) == (INVALID, "num_captions")


def test_models_for_something_else_are_named_as_such(stub: stubs.CaptioningServiceStub) -> None:
    """With what the call takes."""
    code, text, _ = refusal(lambda: stub.Caption(wire.CaptionRequest(model="letters", images=PICTURES)))
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert text == "model: 'letters' is for text generation; Caption takes models for image captioning"
