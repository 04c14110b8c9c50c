from podium.v1 import image_pb2 as _image_pb2
from podium.v1 import response_metadata_pb2 as _response_metadata_pb2
from podium.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PictureFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PICTURE_FORMAT_UNSPECIFIED: _ClassVar[PictureFormat]
    PICTURE_FORMAT_PNG: _ClassVar[PictureFormat]
    PICTURE_FORMAT_TENSOR: _ClassVar[PictureFormat]
    PICTURE_FORMAT_GRID: _ClassVar[PictureFormat]

class InterpolationPath(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERPOLATION_PATH_UNSPECIFIED: _ClassVar[InterpolationPath]
    INTERPOLATION_PATH_LINEAR: _ClassVar[InterpolationPath]
    INTERPOLATION_PATH_SPHERICAL: _ClassVar[InterpolationPath]
PICTURE_FORMAT_UNSPECIFIED: PictureFormat
PICTURE_FORMAT_PNG: PictureFormat
PICTURE_FORMAT_TENSOR: PictureFormat
PICTURE_FORMAT_GRID: PictureFormat
INTERPOLATION_PATH_UNSPECIFIED: InterpolationPath
INTERPOLATION_PATH_LINEAR: InterpolationPath
INTERPOLATION_PATH_SPHERICAL: InterpolationPath

class Latent(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class PictureOrLatent(_message.Message):
    __slots__ = ("image", "latent")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    LATENT_FIELD_NUMBER: _ClassVar[int]
    image: _image_pb2.Image
    latent: Latent
    def __init__(self, image: _Optional[_Union[_image_pb2.Image, _Mapping]] = ..., latent: _Optional[_Union[Latent, _Mapping]] = ...) -> None: ...

class ClassCondition(_message.Message):
    __slots__ = ("index", "name")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    index: int
    name: str
    def __init__(self, index: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class SampleRequest(_message.Message):
    __slots__ = ("model", "count", "seed", "class_condition", "temperature", "truncation", "format", "first_index")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FIRST_INDEX_FIELD_NUMBER: _ClassVar[int]
    model: str
    count: int
    seed: int
    class_condition: ClassCondition
    temperature: float
    truncation: float
    format: PictureFormat
    first_index: int
    def __init__(self, model: _Optional[str] = ..., count: _Optional[int] = ..., seed: _Optional[int] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., temperature: _Optional[float] = ..., truncation: _Optional[float] = ..., format: _Optional[_Union[PictureFormat, str]] = ..., first_index: _Optional[int] = ...) -> None: ...

class SampleResponse(_message.Message):
    __slots__ = ("metadata", "pictures")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class StreamSampleRequest(_message.Message):
    __slots__ = ("model", "count", "seed", "class_condition", "temperature", "truncation", "format", "first_index")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FIRST_INDEX_FIELD_NUMBER: _ClassVar[int]
    model: str
    count: int
    seed: int
    class_condition: ClassCondition
    temperature: float
    truncation: float
    format: PictureFormat
    first_index: int
    def __init__(self, model: _Optional[str] = ..., count: _Optional[int] = ..., seed: _Optional[int] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., temperature: _Optional[float] = ..., truncation: _Optional[float] = ..., format: _Optional[_Union[PictureFormat, str]] = ..., first_index: _Optional[int] = ...) -> None: ...

class StreamSampleResponse(_message.Message):
    __slots__ = ("metadata", "pictures")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("png", "tensor", "latent", "class_index")
    PNG_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    LATENT_FIELD_NUMBER: _ClassVar[int]
    CLASS_INDEX_FIELD_NUMBER: _ClassVar[int]
    png: bytes
    tensor: _tensor_pb2.Tensor
    latent: Latent
    class_index: int
    def __init__(self, png: _Optional[bytes] = ..., tensor: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ..., latent: _Optional[_Union[Latent, _Mapping]] = ..., class_index: _Optional[int] = ...) -> None: ...

class EncodeRequest(_message.Message):
    __slots__ = ("model", "images", "class_condition")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    model: str
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    class_condition: ClassCondition
    def __init__(self, model: _Optional[str] = ..., images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ...) -> None: ...

class EncodeResponse(_message.Message):
    __slots__ = ("metadata", "posteriors")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    POSTERIORS_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    posteriors: _containers.RepeatedCompositeFieldContainer[Posterior]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., posteriors: _Optional[_Iterable[_Union[Posterior, _Mapping]]] = ...) -> None: ...

class Posterior(_message.Message):
    __slots__ = ("mean", "log_variance", "kl_nats")
    MEAN_FIELD_NUMBER: _ClassVar[int]
    LOG_VARIANCE_FIELD_NUMBER: _ClassVar[int]
    KL_NATS_FIELD_NUMBER: _ClassVar[int]
    mean: Latent
    log_variance: _containers.RepeatedScalarFieldContainer[float]
    kl_nats: float
    def __init__(self, mean: _Optional[_Union[Latent, _Mapping]] = ..., log_variance: _Optional[_Iterable[float]] = ..., kl_nats: _Optional[float] = ...) -> None: ...

class DecodeRequest(_message.Message):
    __slots__ = ("model", "latents", "class_condition", "format")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LATENTS_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    model: str
    latents: _containers.RepeatedCompositeFieldContainer[Latent]
    class_condition: ClassCondition
    format: PictureFormat
    def __init__(self, model: _Optional[str] = ..., latents: _Optional[_Iterable[_Union[Latent, _Mapping]]] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class DecodeResponse(_message.Message):
    __slots__ = ("metadata", "pictures")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class ReconstructRequest(_message.Message):
    __slots__ = ("model", "images", "class_condition", "format")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    model: str
    images: _containers.RepeatedCompositeFieldContainer[_image_pb2.Image]
    class_condition: ClassCondition
    format: PictureFormat
    def __init__(self, model: _Optional[str] = ..., images: _Optional[_Iterable[_Union[_image_pb2.Image, _Mapping]]] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class ReconstructResponse(_message.Message):
    __slots__ = ("metadata", "pictures", "mean_squared_errors")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    MEAN_SQUARED_ERRORS_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    mean_squared_errors: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ..., mean_squared_errors: _Optional[_Iterable[float]] = ...) -> None: ...

class InterpolateRequest(_message.Message):
    __slots__ = ("model", "start", "end", "steps", "path", "class_condition", "format")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    model: str
    start: PictureOrLatent
    end: PictureOrLatent
    steps: int
    path: InterpolationPath
    class_condition: ClassCondition
    format: PictureFormat
    def __init__(self, model: _Optional[str] = ..., start: _Optional[_Union[PictureOrLatent, _Mapping]] = ..., end: _Optional[_Union[PictureOrLatent, _Mapping]] = ..., steps: _Optional[int] = ..., path: _Optional[_Union[InterpolationPath, str]] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class InterpolateResponse(_message.Message):
    __slots__ = ("metadata", "pictures")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class TraverseRequest(_message.Message):
    __slots__ = ("model", "origin", "dimensions", "low", "high", "steps", "class_condition", "format")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    model: str
    origin: PictureOrLatent
    dimensions: _containers.RepeatedScalarFieldContainer[int]
    low: float
    high: float
    steps: int
    class_condition: ClassCondition
    format: PictureFormat
    def __init__(self, model: _Optional[str] = ..., origin: _Optional[_Union[PictureOrLatent, _Mapping]] = ..., dimensions: _Optional[_Iterable[int]] = ..., low: _Optional[float] = ..., high: _Optional[float] = ..., steps: _Optional[int] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class TraverseResponse(_message.Message):
    __slots__ = ("metadata", "rows", "grid")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    GRID_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    rows: _containers.RepeatedCompositeFieldContainer[TraverseRow]
    grid: bytes
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., rows: _Optional[_Iterable[_Union[TraverseRow, _Mapping]]] = ..., grid: _Optional[bytes] = ...) -> None: ...

class TraverseRow(_message.Message):
    __slots__ = ("dimension", "values", "pictures")
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    dimension: int
    values: _containers.RepeatedScalarFieldContainer[float]
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, dimension: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...

class EditRequest(_message.Message):
    __slots__ = ("model", "sources", "direction", "strengths", "class_condition", "format")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    STRENGTHS_FIELD_NUMBER: _ClassVar[int]
    CLASS_CONDITION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    model: str
    sources: _containers.RepeatedCompositeFieldContainer[PictureOrLatent]
    direction: str
    strengths: _containers.RepeatedScalarFieldContainer[float]
    class_condition: ClassCondition
    format: PictureFormat
    def __init__(self, model: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[PictureOrLatent, _Mapping]]] = ..., direction: _Optional[str] = ..., strengths: _Optional[_Iterable[float]] = ..., class_condition: _Optional[_Union[ClassCondition, _Mapping]] = ..., format: _Optional[_Union[PictureFormat, str]] = ...) -> None: ...

class EditResponse(_message.Message):
    __slots__ = ("metadata", "pictures")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pictures: _containers.RepeatedCompositeFieldContainer[Picture]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pictures: _Optional[_Iterable[_Union[Picture, _Mapping]]] = ...) -> None: ...
