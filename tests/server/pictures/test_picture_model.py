"""A package whose words do not fit its graphs is refused before it is served, by the field that is wrong."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_server.elements import BY_OIP
from podium_server.imaging.decode import ImageLimits
from podium_server.package import Package
from podium_server.pictures.picture_model import PictureModel
from podium_server.services.tasks import check_package
from podium_server.signature import Signature, TensorSpec

from tests.server.fakes import Doubler
from tests.server.pictures.models import DIGITS, EXACT, GRAY_OUTPUT, normal, one_hot, uniform

Axes = Sequence[int | str | None]


def graph(inputs: dict[str, Axes], outputs: dict[str, Axes], **oip: str) -> Signature:
    """Describe a batched graph of single precision; `oip` names other element types by tensor."""
    sides = [
        tuple(TensorSpec(name, BY_OIP[oip.get(name, "FP32")], tuple(axes)) for name, axes in side.items())
        for side in (inputs, outputs)
    ]
    return Signature(sides[0], sides[1], batched=True)


PICTURE: Axes = ("batch", 1, 2, 2)
ENCODER = graph({"image": PICTURE}, {"mean": ("batch", 4), "log_variance": ("batch", 4)})
DECODER = graph({"latent": ("batch", 4)}, {"image": PICTURE})
LABELLED = graph({"latent": ("batch", 4), "label": ("batch",)}, {"image": PICTURE}, label="INT64")
WHOLE = graph({"image": PICTURE}, {"picture": PICTURE})
VAE = {"encoder": ENCODER, "decoder": DECODER}
SPACE = pb.LatentSpace(parts=[normal(4)])


def check(described: pb.ModelManifest, graphs: dict[str, Signature]) -> None:
    """Check a package with these graphs, none of which is run."""
    package = Package(Path(), described, {}, checked=True)
    check_package(package, {name: (Doubler(), signature) for name, signature in graphs.items()})


def manifest(**changes: Any) -> pb.ModelManifest:
    """Describe a variational autoencoder."""
    fields: dict[str, Any] = {
        "task": pb.TASK_IMAGE_GENERATION,
        "image_preprocessing": EXACT,
        "image_output": GRAY_OUTPUT,
        "latent_space": SPACE,
    }
    return pb.ModelManifest(**(fields | changes))


def space(*parts: pb.LatentPart, **fields: Any) -> dict[str, pb.LatentSpace]:
    """Describe another latent space."""
    return {"latent_space": pb.LatentSpace(parts=parts, **fields)}


def direction(name: str, *values: float) -> dict[str, list[pb.LatentDirection]]:
    """Describe a direction."""
    return {"directions": [pb.LatentDirection(name=name, values=values)]}


@pytest.mark.parametrize(
    ("changes", "graphs", "message"),
    [
        ({}, {"encoder": ENCODER}, "graphs are encoder; they must be decoder, encoder and decoder, or model alone"),
        ({}, {"decoder": WHOLE}, "graph 'decoder' has the inputs 'image' and the outputs 'picture'; it must have"),
        ({}, {"decoder": graph({"latent": ("batch", 4)}, {"y": PICTURE})}, "graph 'decoder' has the inputs 'latent'"),
        (
            {},
            VAE | {"decoder": graph({"latent": ("batch", 5)}, {"image": PICTURE})},
            "graphs differ in the number of dimensions of a latent: {'latent': 5, 'mean': 4, 'log_variance': 4}",
        ),
        (
            {},
            VAE | {"encoder": graph({"image": PICTURE}, {"mean": ("batch", 4), "log_variance": ("batch", 3)})},
            "graphs differ in the number of dimensions",
        ),
        ({}, {"decoder": graph({"latent": ("batch", 4, 1, 1)}, {"image": PICTURE})}, "'latent' of graph 'decoder' is"),
        ({}, {"decoder": graph({"latent": ("batch", 4)}, {"image": ("batch", 4)})}, "the output is ['batch', 4]"),
        ({}, {"decoder": graph({"latent": ("batch", 4)}, {"image": ("batch", 3, 2, 2)})}, "the output is ['batch', 3,"),
        (
            {},
            {"decoder": graph({"latent": ("batch", 4)}, {"image": PICTURE}, image="UINT8")},
            "'image' of graph 'decoder' must hold floating-point numbers",
        ),
        (
            space(normal(4), class_names=DIGITS),
            {"decoder": graph({"latent": ("batch", 4), "label": ("batch",)}, {"image": PICTURE})},
            "input 'label' of graph 'decoder' must hold one integer a row",
        ),
        ({"image_output": pb.ImageOutput()}, VAE, "image_output: low and high are 0.0 and 0.0"),
        ({"image_preprocessing": image_pb2.ImagePreprocessing()}, VAE, "image_preprocessing: height is 0"),
        (
            {},
            VAE | {"encoder": graph({"image": ("batch", 1, 3, 3)}, {"mean": ("batch", 4)})},
            "image_preprocessing makes rows of [1, 2, 2]; input 'image' is ['batch', 1, 3, 3]",
        ),
        (
            {},
            VAE | {"decoder": graph({"latent": ("batch", 4)}, {"image": ("batch", 1, 4, 4)})},
            "the output is ['batch', 1, 4, 4], and pictures come as [1, 2, 2]",
        ),
        (space(), VAE, "latent_space.parts: those of an encoder with a variance must be normal or one-hot"),
        (space(uniform(4, 0, 1)), VAE, "latent_space.parts: those of an encoder with a variance must be normal"),
        (
            space(),
            {"decoder": DECODER},
            "latent_space.parts is empty; a model that generates has a decoder and a prior",
        ),
        (space(normal(3)), VAE, "latent_space: parts have 3 dimensions; the graphs' latents have 4"),
        (space(normal(3), one_hot(2)), VAE, "latent_space: parts have 3 + 2 dimensions; the graphs' latents have 4"),
        (space(normal(4), pb.LatentPart()), VAE, "latent_space: parts[1].size is 0"),
        (
            space(normal(2), one_hot(2), class_names=["a"]),
            VAE,
            "latent_space: class_names has 1 names; the one-hot part has 2 dimensions",
        ),
        (space(normal(2), one_hot(2), class_names=["a", "a"]), VAE, "latent_space: class_names has a name twice"),
        (space(normal(4)), {"decoder": LABELLED}, "latent_space: class_names is empty; a model with the input 'label'"),
        (
            space(normal(4), class_names=["a"]),
            VAE,
            "latent_space: class_names is given; the model has neither a one-hot part nor an input 'label'",
        ),
        (space(normal(4), **direction("smile", 1, 2)), VAE, "latent_space: directions[0].values must be 4 finite"),
        (
            space(normal(4), **direction("smile", 1, 2, 3, float("nan"))),
            VAE,
            "latent_space: directions[0].values must be 4 finite numbers",
        ),
        (space(normal(4), **direction("", 1, 2, 3, 4)), VAE, "latent_space: directions[0].name is ''"),
        ({}, {"model": WHOLE}, "latent_space.parts is empty; a model that generates has a decoder and a prior"),
        (
            {"task": pb.TASK_IMAGE_RECONSTRUCTION},
            {"model": graph({"image": PICTURE, "label": ("batch",)}, {"picture": PICTURE}, label="INT64")},
            "graph 'model' has an input 'label'",
        ),
    ],
)
def test_what_does_not_add_up_is_refused_at_load(
    changes: dict[str, Any], graphs: dict[str, Signature], message: str
) -> None:
    """Whoever made the package learns which field is wrong."""
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        check(manifest(**changes), graphs)


@pytest.mark.parametrize(
    ("changes", "graphs", "abilities"),
    [
        ({}, VAE, "sample encode decode reconstruct interpolate traverse"),
        (
            space(normal(4), **direction("smile", 1, 0, 0, 0)),
            {"decoder": DECODER},
            "sample decode interpolate traverse edit",
        ),
        (space(uniform(4, 0, 1), class_names=DIGITS), {"decoder": LABELLED}, "sample decode interpolate traverse"),
        (
            space() | {"task": pb.TASK_IMAGE_RECONSTRUCTION},
            VAE | {"encoder": graph({"image": PICTURE}, {"mean": ("batch", 4)})},
            "encode decode reconstruct interpolate traverse",
        ),
        ({"task": pb.TASK_IMAGE_RECONSTRUCTION}, {"model": WHOLE}, "reconstruct"),
    ],
    ids=["vae", "gan with a direction", "conditional gan", "autoencoder", "denoiser"],
)
def test_every_kind_of_model_can_what_its_graphs_allow(
    changes: dict[str, Any], graphs: dict[str, Signature], abilities: str
) -> None:
    """And is let through at load."""
    check(manifest(**changes), graphs)
    assert PictureModel("it", manifest(**changes), graphs, ImageLimits(1, 1)).abilities == abilities.split()


def test_sizes_that_graphs_leave_open_come_from_the_prior() -> None:
    """A decoder of any width draws as many numbers as the parts say."""
    open_decoder = graph({"latent": ("batch", "width")}, {"image": ("batch", 1, "height", "width")})
    model = PictureModel("it", manifest(), {"decoder": open_decoder}, ImageLimits(1, 1))
    assert model.space is not None
    assert model.space.size == 4
    with pytest.raises(ValueError, match="leave the number of dimensions open"):
        PictureModel("it", manifest(**space()), {"decoder": open_decoder}, ImageLimits(1, 1))


def test_packages_for_other_tasks_pass() -> None:
    """Tensors need no more than their own signature."""
    check(pb.ModelManifest(task=pb.TASK_TENSOR), {"model": WHOLE})
