from podium.v1 import decoding_pb2 as _decoding_pb2
from podium.v1 import image_pb2 as _image_pb2
from podium.v1 import response_metadata_pb2 as _response_metadata_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaptionRequest(_message.Message):
    __slots__ = ("model", "images", "decoding", "seed", "num_best", "return_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUM_BEST_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    decoding: _decoding_pb2.Decoding
    seed: int
    num_best: int
    return_log_probabilities: bool
    def __init__(self, model: _Optional[str] = ..., images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., decoding: _Optional[_Union[_decoding_pb2.Decoding, _Mapping]] = ..., seed: _Optional[int] = ..., num_best: _Optional[int] = ..., return_log_probabilities: bool = ...) -> None: ...

class CaptionResponse(_message.Message):
    __slots__ = ("metadata", "results", "usage")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    results: _containers.RepeatedCompositeFieldContainer[CaptionResult]
    usage: _decoding_pb2.GenerationUsage
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., results: _Optional[_Iterable[_Union[CaptionResult, _Mapping]]] = ..., usage: _Optional[_Union[_decoding_pb2.GenerationUsage, _Mapping]] = ...) -> None: ...

class CaptionResult(_message.Message):
    __slots__ = ("captions",)
    CAPTIONS_FIELD_NUMBER: _ClassVar[int]
    captions: _containers.RepeatedCompositeFieldContainer[_decoding_pb2.GeneratedSequence]
    def __init__(self, captions: _Optional[_Iterable[_Union[_decoding_pb2.GeneratedSequence, _Mapping]]] = ...) -> None: ...

class StreamCaptionRequest(_message.Message):
    __slots__ = ("model", "image", "decoding", "seed", "num_captions", "return_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUM_CAPTIONS_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    image: _image_pb2.Image
    decoding: _decoding_pb2.Decoding
    seed: int
    num_captions: int
    return_log_probabilities: bool
    def __init__(self, model: _Optional[str] = ..., image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., decoding: _Optional[_Union[_decoding_pb2.Decoding, _Mapping]] = ..., seed: _Optional[int] = ..., num_captions: _Optional[int] = ..., return_log_probabilities: bool = ...) -> None: ...

class StreamCaptionResponse(_message.Message):
    __slots__ = ("metadata", "pieces", "usage")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pieces: _containers.RepeatedCompositeFieldContainer[_decoding_pb2.SequencePiece]
    usage: _decoding_pb2.GenerationUsage
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pieces: _Optional[_Iterable[_Union[_decoding_pb2.SequencePiece, _Mapping]]] = ..., usage: _Optional[_Union[_decoding_pb2.GenerationUsage, _Mapping]] = ...) -> None: ...
