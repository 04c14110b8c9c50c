"""What each task asks of a package, and how people call it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.execution import Runnable
from podium_server.errors import WrongTask
from podium_server.forecasting.forecast_model import check_forecast_model
from podium_server.package import Package
from podium_server.pictures.picture_model import check_picture_model
from podium_server.servable import Servable
from podium_server.services.classifier import check_classifier
from podium_server.signature import Signature
from podium_server.text.padding_check import check_text_model
from podium_server.video.clip_model import check_clip_model

_Graphs = Mapping[str, tuple[Runnable, Signature]]
_Check = Callable[[Package, _Graphs], None]


def _described(check: Callable[[pb.ModelManifest, Mapping[str, Signature]], None]) -> _Check:
    """A check that needs no more than the manifest and the signatures."""
    return lambda package, graphs: check(package.manifest, {name: signature for name, (_, signature) in graphs.items()})


_CHECKS: Mapping[int, _Check] = MappingProxyType(
    {
        int(pb.TASK_IMAGE_CLASSIFICATION): _described(check_classifier),
        int(pb.TASK_IMAGE_GENERATION): _described(check_picture_model),
        int(pb.TASK_IMAGE_RECONSTRUCTION): _described(check_picture_model),
        int(pb.TASK_TEXT_GENERATION): check_text_model,
        int(pb.TASK_IMAGE_CAPTIONING): check_text_model,
        int(pb.TASK_TRANSLATION): check_text_model,
        int(pb.TASK_FORECASTING): _described(check_forecast_model),
        int(pb.TASK_VIDEO_CLASSIFICATION): _described(check_clip_model),
    }
)


def check_package(package: Package, graphs: _Graphs) -> None:
    """Raise ValueError where the service of a package's task could not answer with it.

    Args:
        package: the folder as read.
        graphs: what runs each graph, and its signature, by the graph's name.
    """
    check = _CHECKS.get(int(package.manifest.task))
    if check is not None:
        check(package, graphs)


def check_task(servable: Servable, method: str, *tasks: pb.Task) -> None:
    """Refuse a model that a method is not for.

    Args:
        servable: who would answer.
        method: the call's, for the message.
        tasks: what the model must be for, one of them.

    Raises:
        WrongTask: it is for something else; the message says what the method takes.
    """
    task = servable.manifest.task
    if task not in tasks:
        taken = " and ".join(_purpose(each) for each in tasks)
        raise WrongTask(f"model: '{servable.name}' is for {_purpose(task)}; {method} takes models for {taken}")


def _purpose(task: pb.Task) -> str:
    """A task as people say it."""
    if task in (pb.TASK_TENSOR, pb.TASK_UNSPECIFIED):
        return "tensors, through the Open Inference Protocol"
    return pb.Task.Name(task).removeprefix("TASK_").lower().replace("_", " ")
