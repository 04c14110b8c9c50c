"""The Python client of podium, and the `podium` command.

Names are imported when first used, so that the command starts without loading gRPC and numpy.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podium_client.answers import Classification, ClassScore, ResponseMetadata, Timings
    from podium_client.async_client import AsyncClient
    from podium_client.catalogue import (
        Alias,
        ExecutionPlan,
        Model,
        ModelDescription,
        ModelVersion,
        Share,
        VersionState,
    )
    from podium_client.client import Client
    from podium_client.decoding import DecodingOptions
    from podium_client.errors import (
        DeadlineError,
        InternalError,
        InvalidArgumentError,
        LoadFailedError,
        ModelNotFoundError,
        MomentError,
        NoServerError,
        OverloadedError,
        PermissionDeniedError,
        PodiumError,
        RequestError,
        ServerError,
        TooLargeError,
        UnauthenticatedError,
        UnavailableError,
        UnsupportedError,
        WrongTaskError,
    )
    from podium_client.forecasts import Divergence, Forecast, Reach
    from podium_client.images import ImageLike
    from podium_client.pictures import Edits, Picture, Pictures, Posterior, Reconstructions, Traversal, TraversalRow
    from podium_client.retries import RetryPolicy
    from podium_client.sequences import (
        FinishReason,
        GeneratedSequence,
        GeneratedSequences,
        GenerationUsage,
        ScoredToken,
        SequencePiece,
        TextScore,
    )
    from podium_client.series import Series
    from podium_client.tensors import Tensor
    from podium_client.text_stream import AsyncTextStream, TextStream
    from podium_client.video_answers import FrameClassification, VideoClassification

__all__ = [
    "Alias",
    "AsyncClient",
    "AsyncTextStream",
    "ClassScore",
    "Classification",
    "Client",
    "DeadlineError",
    "DecodingOptions",
    "Divergence",
    "Edits",
    "ExecutionPlan",
    "FinishReason",
    "Forecast",
    "FrameClassification",
    "GeneratedSequence",
    "GeneratedSequences",
    "GenerationUsage",
    "ImageLike",
    "InternalError",
    "InvalidArgumentError",
    "LoadFailedError",
    "Model",
    "ModelDescription",
    "ModelNotFoundError",
    "ModelVersion",
    "MomentError",
    "NoServerError",
    "OverloadedError",
    "PermissionDeniedError",
    "Picture",
    "Pictures",
    "PodiumError",
    "Posterior",
    "Reach",
    "Reconstructions",
    "RequestError",
    "ResponseMetadata",
    "RetryPolicy",
    "ScoredToken",
    "SequencePiece",
    "Series",
    "ServerError",
    "Share",
    "Tensor",
    "TextScore",
    "TextStream",
    "Timings",
    "TooLargeError",
    "Traversal",
    "TraversalRow",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "VersionState",
    "VideoClassification",
    "WrongTaskError",
]

_MODULES = (
    *("errors", "answers", "catalogue", "tensors", "images", "pictures", "decoding", "sequences", "text_stream"),
    *("series", "forecasts", "video_answers", "retries", "async_client", "client"),
)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in _MODULES:
        namespace = vars(importlib.import_module(f"{__name__}.{module}"))
        if name in namespace:
            globals()[name] = namespace[name]
            return globals()[name]
    raise AssertionError(f"{name} is in __all__ and in no module")
