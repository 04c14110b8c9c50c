"""The calls whose copies can be compared: how a copy is addressed to a candidate, and how two answers are compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from podium.v1 import captioning_service_pb2, classification_service_pb2, decoding_pb2, text_service_pb2

from podium_server.model_ref import ModelRef
from podium_server.oip import messages as oip
from podium_server.shadowing.comparison import Comparison, compare_classifications, compare_tensors, compare_texts


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of call.

    Attributes:
        method: its full name.
        request, response: its messages.
        address: makes a request one to a certain version.
        compare: compares two answers, the caller's first.
    """

    method: str
    request: type[Message]
    response: type[Message]
    address: Callable[[Any, ModelRef], None]
    compare: Callable[[Any, Any], Comparison]


def _typed(request: Any, ref: ModelRef) -> None:
    request.model = f"{ref.name}/{ref.version}"


def _open(request: oip.ModelInferRequest, ref: ModelRef) -> None:
    request.model_name, request.model_version = ref.name, str(ref.version)


def _captions(response: captioning_service_pb2.CaptionResponse) -> Iterator[decoding_pb2.GeneratedSequence]:
    return (caption for result in response.results for caption in result.captions)


def _translations(response: text_service_pb2.TranslateResponse) -> Iterator[decoding_pb2.GeneratedSequence]:
    return (translation for result in response.results for translation in result.translations)


KINDS = (
    Kind(
        "podium.v1.ClassificationService.Classify",
        classification_service_pb2.ClassifyRequest,
        classification_service_pb2.ClassifyResponse,
        _typed,
        lambda given, candidate: compare_classifications(given.results, candidate.results),
    ),
    Kind(
        "podium.v1.CaptioningService.Caption",
        captioning_service_pb2.CaptionRequest,
        captioning_service_pb2.CaptionResponse,
        _typed,
        lambda given, candidate: compare_texts(_captions(given), _captions(candidate)),
    ),
    Kind(
        "podium.v1.TextService.Generate",
        text_service_pb2.GenerateRequest,
        text_service_pb2.GenerateResponse,
        _typed,
        lambda given, candidate: compare_texts(given.sequences, candidate.sequences),
    ),
    Kind(
        "podium.v1.TextService.Translate",
        text_service_pb2.TranslateRequest,
        text_service_pb2.TranslateResponse,
        _typed,
        lambda given, candidate: compare_texts(_translations(given), _translations(candidate)),
    ),
    Kind(
        "inference.GRPCInferenceService.ModelInfer",
        oip.ModelInferRequest,
        oip.ModelInferResponse,
        _open,
        compare_tensors,
    ),
)
BY_RESPONSE = {kind.response: kind for kind in KINDS}
