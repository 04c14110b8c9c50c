from podium.v1 import response_metadata_pb2 as _response_metadata_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Reach(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REACH_UNSPECIFIED: _ClassVar[Reach]
    REACH_INTERPOLATION: _ClassVar[Reach]
    REACH_EXTRAPOLATION: _ClassVar[Reach]
    REACH_BEYOND_TRAINING: _ClassVar[Reach]
REACH_UNSPECIFIED: Reach
REACH_INTERPOLATION: Reach
REACH_EXTRAPOLATION: Reach
REACH_BEYOND_TRAINING: Reach

class ForecastRequest(_message.Message):
    __slots__ = ("model", "series", "num_samples", "seed", "return_samples")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    NUM_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    RETURN_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    model: str
    series: _containers.RepeatedCompositeFieldContainer[Series]
    num_samples: int
    seed: int
    return_samples: bool
    def __init__(self, model: _Optional[str] = ..., series: _Optional[_Iterable[_Union[Series, _Mapping]]] = ..., num_samples: _Optional[int] = ..., seed: _Optional[int] = ..., return_samples: bool = ...) -> None: ...

class Series(_message.Message):
    __slots__ = ("observations", "times")
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    observations: _containers.RepeatedCompositeFieldContainer[Observation]
    times: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, observations: _Optional[_Iterable[_Union[Observation, _Mapping]]] = ..., times: _Optional[_Iterable[float]] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("time", "vector", "missing", "readings")
    TIME_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    time: float
    vector: _containers.RepeatedScalarFieldContainer[float]
    missing: _containers.RepeatedScalarFieldContainer[int]
    readings: _containers.RepeatedCompositeFieldContainer[Reading]
    def __init__(self, time: _Optional[float] = ..., vector: _Optional[_Iterable[float]] = ..., missing: _Optional[_Iterable[int]] = ..., readings: _Optional[_Iterable[_Union[Reading, _Mapping]]] = ...) -> None: ...

class Reading(_message.Message):
    __slots__ = ("index", "name", "value")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    index: int
    name: str
    value: float
    def __init__(self, index: _Optional[int] = ..., name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class ForecastResponse(_message.Message):
    __slots__ = ("metadata", "channels", "series")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    channels: _containers.RepeatedScalarFieldContainer[str]
    series: _containers.RepeatedCompositeFieldContainer[SeriesForecast]
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., channels: _Optional[_Iterable[str]] = ..., series: _Optional[_Iterable[_Union[SeriesForecast, _Mapping]]] = ...) -> None: ...

class SeriesForecast(_message.Message):
    __slots__ = ("points", "divergence")
    POINTS_FIELD_NUMBER: _ClassVar[int]
    DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[ForecastPoint]
    divergence: Divergence
    def __init__(self, points: _Optional[_Iterable[_Union[ForecastPoint, _Mapping]]] = ..., divergence: _Optional[_Union[Divergence, _Mapping]] = ...) -> None: ...

class ForecastPoint(_message.Message):
    __slots__ = ("time", "reach", "mean", "spread", "samples")
    TIME_FIELD_NUMBER: _ClassVar[int]
    REACH_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    time: float
    reach: Reach
    mean: _containers.RepeatedScalarFieldContainer[float]
    spread: _containers.RepeatedScalarFieldContainer[float]
    samples: _containers.RepeatedCompositeFieldContainer[SampledValue]
    def __init__(self, time: _Optional[float] = ..., reach: _Optional[_Union[Reach, str]] = ..., mean: _Optional[_Iterable[float]] = ..., spread: _Optional[_Iterable[float]] = ..., samples: _Optional[_Iterable[_Union[SampledValue, _Mapping]]] = ...) -> None: ...

class SampledValue(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class Divergence(_message.Message):
    __slots__ = ("time", "num_diverged", "message")
    TIME_FIELD_NUMBER: _ClassVar[int]
    NUM_DIVERGED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    time: float
    num_diverged: int
    message: str
    def __init__(self, time: _Optional[float] = ..., num_diverged: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
