"""Which class a call asks for."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire

from podium_server.errors import InvalidArgument
from podium_server.pictures.graph import PictureGraph
from podium_server.pictures.picture_model import PictureModel

Request: TypeAlias = (
    wire.SampleRequest
    | wire.StreamSampleRequest
    | wire.EncodeRequest
    | wire.DecodeRequest
    | wire.ReconstructRequest
    | wire.InterpolateRequest
    | wire.TraverseRequest
    | wire.EditRequest
)


def asked_class(request: Request, model: PictureModel) -> int | None:
    """Find the class that a request asks for; None where it asks for none.

    Raises:
        InvalidArgument: there is no such class, or the model has no classes.
    """
    if not request.HasField("class_condition"):
        return None
    classes = model.space.classes if model.space else None
    if classes is None:
        message = f"class_condition: model '{model.name}' is not conditional; leave it out"
        raise InvalidArgument(message, "class_condition")
    return classes.index_of(request.class_condition)


def class_of_all(request: Request, model: PictureModel, *graphs: PictureGraph | None) -> int | None:
    """Find the class of every picture of a request, which must be told where a graph takes it.

    Args:
        request: the call.
        model: who answers.
        graphs: what will be run.

    Raises:
        InvalidArgument: there is no such class, the model has no classes, or it must be told one.
    """
    asked = asked_class(request, model)
    if asked is None and model.space and model.space.classes and any(graph and graph.takes_label for graph in graphs):
        message = f"class_condition: must be set, for model '{model.name}' is conditional; {model.space.classes.listed}"
        raise InvalidArgument(message, "class_condition")
    return asked


def repeated(asked: int | None, count: int) -> NDArray[np.int64] | None:
    """Give the class to each of so many pictures."""
    return None if asked is None else np.full(count, asked, np.int64)
