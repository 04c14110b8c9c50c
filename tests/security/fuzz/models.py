"""A repository with a small model of each kind."""

from pathlib import Path

from onnx import TensorProto
from podium.v1 import model_manifest_pb2 as pb

from tests.oip import graphs
from tests.server.forecasting.models import write_forecaster
from tests.server.packages import GOLDEN_X, graph, scaled, write_package
from tests.server.pictures.conftest import write_all as write_pictures
from tests.server.pictures.models import EXACT
from tests.server.services import networks
from tests.server.video.models import write_frames


def write_repository(repository: Path) -> None:
    """Write the models."""
    write_pictures(repository)  # "sums", y = 2x, among them
    networks.write_letters(repository / "letters" / "1")
    networks.write_bytes(repository / "bytes" / "1")
    networks.write_captioner(repository / "captioner" / "1")
    networks.write_translator(repository / "translator" / "1")
    write_forecaster(repository / "forecaster" / "1", 0.1)
    write_frames(repository / "frames" / "1")
    write_package(repository / "spare" / "1")
    write_package(repository / "spare" / "2")
    graphs.store(repository, "strings", graphs.identity(TensorProto.STRING, ["n", None]))
    graphs.store(repository, "lookup", graphs.lookup())
    graphs.store(repository, "free", graphs.identity(TensorProto.FLOAT, [None, None]))
    _write_classifier(repository / "classifier" / "1")


def _write_classifier(folder: Path) -> None:
    """Scores of three classes are three grey pixels, doubled."""
    preprocessing = type(EXACT)()
    preprocessing.CopyFrom(EXACT)
    preprocessing.height, preprocessing.width = 1, 3
    axes = ("batch", 1, 1, 3)
    x = GOLDEN_X.reshape(3, 1, 1, 3)
    write_package(
        folder,
        scaled(axes=axes),
        golden={"0/model/inputs/x": x, "0/model/outputs/y": 2 * x},
        manifest={
            "task": pb.TASK_IMAGE_CLASSIFICATION,
            "graphs": [graph(axes=axes)],
            "image_preprocessing": preprocessing,
            "classification": pb.Classification(labels=["a", "b", "c"], score_kind=pb.SCORE_KIND_LOGITS),
        },
    )
