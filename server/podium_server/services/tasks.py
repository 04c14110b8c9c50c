"""What each task asks of a package, and how people call it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from podium.v1 import model_manifest_pb2 as pb

from podium_server.pictures.picture_model import check_picture_model
from podium_server.services.classifier import check_classifier
from podium_server.signature import Signature

_Check = Callable[[pb.ModelManifest, Mapping[str, Signature]], None]
_CHECKS: Mapping[int, _Check] = MappingProxyType(
    {
        int(pb.TASK_IMAGE_CLASSIFICATION): check_classifier,
        int(pb.TASK_IMAGE_GENERATION): check_picture_model,
        int(pb.TASK_IMAGE_RECONSTRUCTION): check_picture_model,
    }
)


def check_package(manifest: pb.ModelManifest, signatures: Mapping[str, Signature]) -> None:
    """Raise ValueError where the service of a package's task could not answer with it."""
    check = _CHECKS.get(int(manifest.task))
    if check is not None:
        check(manifest, signatures)


def purpose(task: pb.Task) -> str:
    """A task as people say it."""
    if task in (pb.TASK_TENSOR, pb.TASK_UNSPECIFIED):
        return "tensors, through the Open Inference Protocol"
    return pb.Task.Name(task).removeprefix("TASK_").lower().replace("_", " ")
