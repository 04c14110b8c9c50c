from podium.v1 import image_pb2 as _image_pb2
from podium.v1 import response_metadata_pb2 as _response_metadata_pb2
from podium.v1 import video_pb2 as _video_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClassifyRequest(_message.Message):
    __slots__ = ("model", "images", "top_k", "return_logits")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOGITS_FIELD_NUMBER: _ClassVar[int]
    model: str
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    top_k: int
    return_logits: bool
    def __init__(self, model: _Optional[str] = ..., images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., top_k: _Optional[int] = ..., return_logits: bool = ...) -> None: ...

class ClassifyResponse(_message.Message):
    __slots__ = ("metadata", "results")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    results: _containers.RepeatedCompositeFieldContainer[ClassificationResult]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., results: _Optional[_Iterable[_Union[ClassificationResult, _Mapping]]] = ...) -> None: ...

class ClassificationResult(_message.Message):
    __slots__ = ("classes", "logits")
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    LOGITS_FIELD_NUMBER: _ClassVar[int]
    classes: _containers.RepeatedCompositeFieldContainer[ClassScore]
    logits: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, classes: _Optional[_Iterable[_Union[ClassScore, _Mapping]]] = ..., logits: _Optional[_Iterable[float]] = ...) -> None: ...

class ClassScore(_message.Message):
    __slots__ = ("index", "label", "probability")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    index: int
    label: str
    probability: float
    def __init__(self, index: _Optional[int] = ..., label: _Optional[str] = ..., probability: _Optional[float] = ...) -> None: ...

class ClassifyVideoRequest(_message.Message):
    __slots__ = ("options", "frames", "file_piece")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    FILE_PIECE_FIELD_NUMBER: _ClassVar[int]
    options: ClassifyVideoOptions
    frames: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    file_piece: bytes
    def __init__(self, options: _Optional[_Union[ClassifyVideoOptions, _Mapping]] = ..., frames: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., file_piece: _Optional[bytes] = ...) -> None: ...

class ClassifyVideoOptions(_message.Message):
    __slots__ = ("model", "top_k", "return_logits", "frame_rate", "num_frames_sampled_from")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOGITS_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_SAMPLED_FROM_FIELD_NUMBER: _ClassVar[int]
    model: str
    top_k: int
    return_logits: bool
    frame_rate: float
    num_frames_sampled_from: int
    def __init__(self, model: _Optional[str] = ..., top_k: _Optional[int] = ..., return_logits: bool = ..., frame_rate: _Optional[float] = ..., num_frames_sampled_from: _Optional[int] = ...) -> None: ...

class ClassifyVideoResponse(_message.Message):
    __slots__ = ("metadata", "result", "frames", "num_frames_seen", "num_frames_used", "frame_rate", "sampling")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_SEEN_FIELD_NUMBER: _ClassVar[int]
    NUM_FRAMES_USED_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    result: ClassificationResult
    frames: _containers.RepeatedCompositeFieldContainer[FrameResult]
    num_frames_seen: int
    num_frames_used: int
    frame_rate: float
    sampling: _video_pb2.FrameSampling
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., result: _Optional[_Union[ClassificationResult, _Mapping]] = ..., frames: _Optional[_Iterable[_Union[FrameResult, _Mapping]]] = ..., num_frames_seen: _Optional[int] = ..., num_frames_used: _Optional[int] = ..., frame_rate: _Optional[float] = ..., sampling: _Optional[_Union[_video_pb2.FrameSampling, _Mapping]] = ...) -> None: ...

class FrameResult(_message.Message):
    __slots__ = ("frame_index", "result")
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    frame_index: int
    result: ClassificationResult
    def __init__(self, frame_index: _Optional[int] = ..., result: _Optional[_Union[ClassificationResult, _Mapping]] = ...) -> None: ...

class ClassifyFramesRequest(_message.Message):
    __slots__ = ("options", "frame")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    options: ClassifyFramesOptions
    frame: _image_pb2.Image
    def __init__(self, options: _Optional[_Union[ClassifyFramesOptions, _Mapping]] = ..., frame: _Optional[_Union[_image_pb2.Image, _Mapping]] = ...) -> None: ...

class ClassifyFramesOptions(_message.Message):
    __slots__ = ("model", "top_k", "return_logits")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOGITS_FIELD_NUMBER: _ClassVar[int]
    model: str
    top_k: int
    return_logits: bool
    def __init__(self, model: _Optional[str] = ..., top_k: _Optional[int] = ..., return_logits: bool = ...) -> None: ...

class ClassifyFramesResponse(_message.Message):
    __slots__ = ("metadata", "frame_index", "result")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    frame_index: int
    result: ClassificationResult
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., frame_index: _Optional[int] = ..., result: _Optional[_Union[ClassificationResult, _Mapping]] = ...) -> None: ...
