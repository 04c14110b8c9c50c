"""What `ImageService` does not answer, and how it says so: the field, what is wrong, what would be right."""

from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from podium.v1 import image_pb2
from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc as stubs

from tests.server.imaging.pictures import photo, png
from tests.server.pictures.wires import GRID, TENSOR, by_index, by_name, encoded, latent, point, refusal, tensor

INF, NAN = float("inf"), float("nan")
PICTURE = encoded(1, 2, 3, 4)
OF_PICTURE = wire.PictureOrLatent(image=PICTURE)
ZERO = point(0, 0, 0, 0)
CLASSES = "the classes are 0 … 3: zero, one, two, three"


def refused(stub: stubs.ImageServiceStub, method: str, request: Message) -> tuple[grpc.StatusCode, str, str]:
    """Make a call that is refused."""
    return refusal(lambda: getattr(stub, method)(request, timeout=30))


@pytest.mark.parametrize(
    ("method", "request_", "message"),
    [
        (
            "Encode",
            wire.EncodeRequest(model="gan", images=[PICTURE]),
            "model 'gan' has no encoder: it can sample, decode, interpolate and traverse latents",
        ),
        (
            "Reconstruct",
            wire.ReconstructRequest(model="gan", images=[PICTURE]),
            "model 'gan' has no encoder: it can sample, decode, interpolate and traverse latents",
        ),
        (
            "Interpolate",
            wire.InterpolateRequest(model="gan", start=ZERO, end=OF_PICTURE),
            "model 'gan' has no encoder: it can sample, decode, interpolate and traverse latents",
        ),
        (
            "Edit",
            wire.EditRequest(model="vae", sources=[ZERO], direction="smile"),
            "model 'vae' has no named directions: it can sample, encode, decode, reconstruct, interpolate and "
            "traverse pictures",
        ),
        (
            "Sample",
            wire.SampleRequest(model="autoencoder"),
            "model 'autoencoder' has no prior to sample from: it can encode, decode, reconstruct, interpolate and "
            "traverse pictures",
        ),
        (
            "Decode",
            wire.DecodeRequest(model="denoiser", latents=[latent(1)]),
            "model 'denoiser' has no decoder: it can reconstruct pictures",
        ),
        (
            "Encode",
            wire.EncodeRequest(model="denoiser", images=[PICTURE]),
            "model 'denoiser' has no encoder: it can reconstruct pictures",
        ),
        (
            "Traverse",
            wire.TraverseRequest(model="denoiser"),
            "model 'denoiser' has no decoder: it can reconstruct pictures",
        ),
    ],
)
def test_a_model_that_cannot_says_what_it_can(
    stub: stubs.ImageServiceStub, method: str, request_: Message, message: str
) -> None:
    """FAILED_PRECONDITION: the call is right, for another model."""
    assert refused(stub, method, request_) == (grpc.StatusCode.FAILED_PRECONDITION, message, "")


def sampled(**fields: Any) -> wire.SampleRequest:
    """Ask for samples of the painter, or of another model."""
    usual: dict[str, Any] = {"model": "painter"}
    return wire.SampleRequest(**(usual | fields))


@pytest.mark.parametrize(
    ("request_", "field", "message"),
    [
        (sampled(count=1025), "count", "is 1025; a call gives 1 … 1,024 pictures; StreamSample gives up to 1,000,000"),
        (sampled(temperature=-1), "temperature", "is -1.0; it must be above 0 and at most 100, or 0 for 1"),
        (sampled(temperature=NAN), "temperature", "is nan; it must be above 0 and at most 100, or 0 for 1"),
        (sampled(temperature=101), "temperature", "is 101.0; it must be above 0 and at most 100, or 0 for 1"),
        (sampled(truncation=0.01), "truncation", "is 0.01; it must be 0.1 standard deviations or more, or 0 for none"),
        (sampled(truncation=INF), "truncation", "is inf; it must be 0.1 standard deviations or more, or 0 for none"),
        (sampled(truncation=-2), "truncation", "is -2.0; it must be 0.1 standard deviations or more, or 0 for none"),
        (
            sampled(model="cgan", temperature=0.5),
            "temperature",
            "applies to normal priors; this model's is not. Leave it out",
        ),
        (
            sampled(model="cgan", truncation=2),
            "truncation",
            "applies to normal priors; this model's is not. Leave it out",
        ),
        (
            sampled(count=2, first_index=2**64 - 1),
            "first_index",
            f"is {2**64 - 1}; with count 2 it must be at most {2**64 - 2}, for the last index is 2^64 - 1",
        ),
        (sampled(format=9), "format", "is 9; it must be PNG, TENSOR or GRID"),
        (sampled(class_condition=by_index(0)), "class_condition", "model 'painter' is not conditional; leave it out"),
        (sampled(model="cgan", class_condition=by_index(4)), "class_condition.index", f"is 4; {CLASSES}"),
        (
            sampled(model="cgan", class_condition=by_name("Tree")),
            "class_condition.name",
            f"there is no class 'Tree' (did you mean 'three'?); {CLASSES}",
        ),
        (
            sampled(model="cgan", class_condition=by_name("cat")),
            "class_condition.name",
            f"there is no class 'cat'; {CLASSES}",
        ),
        (
            sampled(model="cgan", class_condition=wire.ClassCondition()),
            "class_condition",
            f"is empty; it must have index or name; {CLASSES}",
        ),
        (
            sampled(model="joint", class_condition=by_name("one")),
            "class_condition.name",
            "there is no class 'one'; the classes are 0 … 1, without names",
        ),
    ],
)
def test_samples_that_cannot_be_drawn(
    stub: stubs.ImageServiceStub, request_: wire.SampleRequest, field: str, message: str
) -> None:
    """INVALID_ARGUMENT, with the field's path for programs."""
    assert refused(stub, "Sample", request_) == (grpc.StatusCode.INVALID_ARGUMENT, f"{field}: {message}", field)


def test_the_last_index_there_is_can_be_asked_for(stub: stubs.ImageServiceStub) -> None:
    """The one before the first that is refused."""
    assert len(stub.Sample(sampled(count=2, first_index=2**64 - 2)).pictures) == 2


def interpolated(**fields: Any) -> wire.InterpolateRequest:
    """Ask for the way between two latents."""
    usual: dict[str, Any] = {"model": "vae", "start": ZERO, "end": ZERO}
    return wire.InterpolateRequest(**(usual | fields))


def edited(**fields: Any) -> wire.EditRequest:
    """Ask for a face to smile."""
    usual: dict[str, Any] = {"model": "faces", "sources": [ZERO], "direction": "smile"}
    return wire.EditRequest(**(usual | fields))


@pytest.mark.parametrize(
    ("method", "request_", "field", "message"),
    [
        ("Decode", wire.DecodeRequest(model="gan"), "latents", "has 0 latents; a call must have 1 … 1,024"),
        (
            "Decode",
            wire.DecodeRequest(model="gan", latents=[latent(0, 0, 0, 0)] * 1025),
            "latents",
            "has 1025 latents; a call must have 1 … 1,024",
        ),
        (
            "Decode",
            wire.DecodeRequest(model="gan", latents=[latent(0, 0, 0, 0), latent(1, 2, 3)]),
            "latents[1].values",
            "has 3 numbers; this model's latents have 4",
        ),
        (
            "Decode",
            wire.DecodeRequest(model="gan", latents=[latent(0, 0, NAN, INF)]),
            "latents[0].values[2]",
            "is nan; it must be a finite number",
        ),
        (
            "Decode",
            wire.DecodeRequest(model="cgan", latents=[latent(0, 0, 0, 0)]),
            "class_condition",
            f"must be set, for model 'cgan' is conditional; {CLASSES}",
        ),
        ("Encode", wire.EncodeRequest(model="vae"), "images", "has 0 pictures; a call must have 1 … 8"),
        (
            "Encode",
            wire.EncodeRequest(model="vae", images=[PICTURE] * 9),
            "images",
            "has 9 pictures; a call must have 1 … 8",
        ),
        (
            "Reconstruct",
            wire.ReconstructRequest(model="denoiser", images=[PICTURE, image_pb2.Image()]),
            "images[1]",
            "is empty; it must have encoded or tensor",
        ),
        (
            "Interpolate",
            wire.InterpolateRequest(model="vae", end=ZERO),
            "start",
            "is empty; it must have image or latent",
        ),
        (
            "Interpolate",
            interpolated(end=point(1, 2)),
            "end.latent.values",
            "has 2 numbers; this model's latents have 4",
        ),
        ("Interpolate", interpolated(steps=1), "steps", "is 1; it must be 2 … 256, or 0 for 8"),
        ("Interpolate", interpolated(steps=257), "steps", "is 257; it must be 2 … 256, or 0 for 8"),
        ("Interpolate", interpolated(path=5), "path", "is 5; it must be LINEAR or SPHERICAL"),
        (
            "Interpolate",
            interpolated(end=wire.PictureOrLatent(image=image_pb2.Image(encoded=b"GIF89a"))),
            "end.image.encoded",
            "is GIF, which is not accepted: send PNG, JPEG or WebP",
        ),
        (
            "Traverse",
            wire.TraverseRequest(model="vae", dimensions=[0, 4]),
            "dimensions[1]",
            "is 4; this model's dimensions are 0 … 3",
        ),
        (
            "Traverse",
            wire.TraverseRequest(model="joint", dimensions=[3]),
            "dimensions[0]",
            "3 is one of a one-hot part, which class_condition drives; it is not varied",
        ),
        (
            "Traverse",
            wire.TraverseRequest(model="vae", dimensions=[0] * 65),
            "dimensions",
            "has 65; a call traverses at most 64",
        ),
        ("Traverse", wire.TraverseRequest(model="vae", steps=65), "steps", "is 65; it must be 2 … 64, or 0 for 8"),
        (
            "Traverse",
            wire.TraverseRequest(model="vae", low=2, high=1),
            "high",
            "is 1.0; it must be above low, which is 2.0",
        ),
        ("Traverse", wire.TraverseRequest(model="vae", low=-INF, high=1), "low", "is -inf; it must be -1000 … 1000"),
        (
            "Traverse",
            wire.TraverseRequest(model="vae", origin=wire.PictureOrLatent()),
            "origin",
            "is empty; it must have image or latent",
        ),
        (
            "Edit",
            edited(direction="simle"),
            "direction",
            "there is no direction 'simle' (did you mean 'smile'?); the directions are smile, beard",
        ),
        ("Edit", edited(direction=""), "direction", "is empty; the directions are smile, beard"),
        ("Edit", edited(sources=[]), "sources", "has 0 sources; a call must have 1 … 8"),
        (
            "Edit",
            edited(sources=[ZERO, wire.PictureOrLatent(image=encoded(1, 2, 3, 4)), wire.PictureOrLatent()]),
            "sources[2]",
            "is empty; it must have image or latent",
        ),
        ("Edit", edited(strengths=[1, INF]), "strengths[1]", "is inf; it must be -1000 … 1000"),
        ("Edit", edited(strengths=[NAN]), "strengths[0]", "is nan; it must be -1000 … 1000"),
        (
            "Edit",
            edited(sources=[ZERO] * 2, strengths=[0.5] * 513),
            "strengths",
            "2 sources by 513 strengths are 1,026 pictures; a call gives at most 1,024",
        ),
    ],
)
def test_a_field_that_is_wrong_is_named(
    stub: stubs.ImageServiceStub, method: str, request_: Message, field: str, message: str
) -> None:
    """INVALID_ARGUMENT, with the field's path for programs."""
    assert refused(stub, method, request_) == (grpc.StatusCode.INVALID_ARGUMENT, f"{field}: {message}", field)


def test_a_picture_of_another_size_is_refused_where_the_model_takes_one_size(stub: stubs.ImageServiceStub) -> None:
    """With its own size and the one that is taken."""
    photograph = photo()
    sent = wire.EditRequest(
        model="faces",
        sources=[ZERO, wire.PictureOrLatent(image=image_pb2.Image(encoded=png(photograph, 8, 2)))],
        direction="smile",
    )
    height, width = photograph.shape[:2]
    assert refused(stub, "Edit", sent) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        f"sources[1].image.encoded: is {width}×{height} pixels (width × height); this model takes exactly 2×2",
        "sources[1].image.encoded",
    )


@pytest.mark.parametrize("sent", [[tensor(NAN, 0, 0, 0)], [PICTURE, tensor(0, 0, INF, 0)]])
def test_pictures_that_are_not_finite_are_an_error_and_not_an_answer(
    stub: stubs.ImageServiceStub, sent: Sequence[image_pb2.Image]
) -> None:
    """INTERNAL, with the picture's place."""
    code, message, _ = refused(stub, "Reconstruct", wire.ReconstructRequest(model="denoiser", images=sent))
    assert code is grpc.StatusCode.INTERNAL
    assert message.startswith(f"picture {len(sent) - 1} of the answer has numbers that are not finite")
    code, message, _ = refused(stub, "Encode", wire.EncodeRequest(model="vae", images=sent))
    assert code is grpc.StatusCode.INTERNAL
    assert message.startswith(f"picture {len(sent) - 1} of those sent is encoded to numbers that are not finite")


def test_a_stream_gives_no_grid_and_no_more_than_a_million(stub: stubs.ImageServiceStub) -> None:
    """Before anything is drawn."""
    grid = wire.StreamSampleRequest(model="gan", format=GRID)
    assert refusal(lambda: list(stub.StreamSample(grid))) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "format: GRID is not streamed; ask for PNG or TENSOR, or call Sample",
        "format",
    )
    many = wire.StreamSampleRequest(model="gan", count=1_000_001, format=TENSOR)
    assert refusal(lambda: list(stub.StreamSample(many))) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "count: is 1000001; a call gives 1 … 1,000,000 pictures",
        "count",
    )


def test_models_of_other_names_and_tasks(stub: stubs.ImageServiceStub) -> None:
    """NOT_FOUND for what is not there; FAILED_PRECONDITION for what is for something else."""
    code, message, _ = refused(stub, "Sample", wire.SampleRequest(model="nowhere"))
    assert (code, "nowhere" in message) == (grpc.StatusCode.NOT_FOUND, True)
    assert refused(stub, "Sample", wire.SampleRequest(model="sums")) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "model: 'sums' is for tensors, through the Open Inference Protocol; this call takes models for image "
        "generation and image reconstruction",
        "",
    )
