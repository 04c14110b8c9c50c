"""A small model of each task, written into a repository."""

from pathlib import Path

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from podium.v1 import image_pb2, tensor_pb2
from podium.v1 import model_manifest_pb2 as pb

from tests.server.forecasting.models import write_forecaster
from tests.server.packages import small_lenet, write_package
from tests.server.pictures import models as pictures
from tests.server.publishing import publish
from tests.server.services import networks
from tests.server.video.models import write_frames, write_sums

MODELS = (
    "captioner", "classifier", "double", "faces", "forecaster", "frames", "letters", "painter", "sums", "translator",
)  # fmt: skip


def write_all(repository: Path) -> None:
    """Write version 1 of each of them."""
    networks.write_captioner(repository / "captioner" / "1")
    write_classifier(repository / "classifier" / "1")
    publish(repository, "double", 1)
    write_faces(repository / "faces" / "1")
    write_forecaster(repository / "forecaster" / "1", 0.1)
    write_frames(repository / "frames" / "1")
    networks.write_letters(repository / "letters" / "1")
    space = pb.LatentSpace(parts=[pictures.normal(16)])
    pictures.write_model(repository / "painter" / "1", {"decoder": pictures.painter()}, latent_space=space)
    write_sums(repository / "sums" / "1")
    networks.write_translator(repository / "translator" / "1")


def write_faces(folder: Path) -> None:
    """Write a model that encodes and decodes pictures of 2×2 grey pixels, and knows a direction."""
    smile = pb.LatentDirection(name="smile", values=[1.0, 0.0, 0.0, -0.5])
    pictures.write_model(
        folder,
        {"encoder": pictures.encoder(), "decoder": pictures.plain_decoder()},
        image_preprocessing=pictures.EXACT,
        latent_space=pb.LatentSpace(parts=[pictures.normal(4)], directions=[smile]),
    )


def write_classifier(folder: Path) -> None:
    """Write a classifier of 12×12 grey pictures, whose golden answers are those of ONNX's reference evaluator."""
    model = small_lenet()
    x = np.random.default_rng(0).random((2, 1, 12, 12), np.float32)
    y = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {"x": x})[0]  # type: ignore[index]
    image = image_pb2.ImagePreprocessing(
        height=12,
        width=12,
        color_mode=image_pb2.COLOR_MODE_GRAY,
        resize_mode=image_pb2.RESIZE_MODE_STRETCH,
        interpolation=image_pb2.INTERPOLATION_BILINEAR,
        rescale=1 / 255,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )
    graph = pb.Graph(name="model", file="model.onnx", batch_axis="batch")
    graph.inputs.append(_spec("x", 1, 12, 12))
    graph.outputs.append(_spec("y", 10))
    labels = [f"class {number}" for number in range(10)]
    manifest = {
        "task": pb.TASK_IMAGE_CLASSIFICATION,
        "graphs": [graph],
        "image_preprocessing": image,
        "classification": pb.Classification(labels=labels, score_kind=pb.SCORE_KIND_LOGITS),
    }
    write_package(folder, model, golden={"0/model/inputs/x": x, "0/model/outputs/y": y}, manifest=manifest)


def _spec(name: str, *shape: int) -> tensor_pb2.TensorSpec:
    axes = [tensor_pb2.Dimension(axis="batch"), *(tensor_pb2.Dimension(size=size) for size in shape)]
    return tensor_pb2.TensorSpec(name=name, element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32, shape=axes)
