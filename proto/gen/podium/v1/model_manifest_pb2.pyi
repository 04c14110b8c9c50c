import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from podium.v1 import decoding_pb2 as _decoding_pb2
from podium.v1 import image_pb2 as _image_pb2
from podium.v1 import tensor_pb2 as _tensor_pb2
from podium.v1 import video_pb2 as _video_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Task(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_UNSPECIFIED: _ClassVar[Task]
    TASK_TENSOR: _ClassVar[Task]
    TASK_IMAGE_CLASSIFICATION: _ClassVar[Task]
    TASK_IMAGE_GENERATION: _ClassVar[Task]
    TASK_IMAGE_RECONSTRUCTION: _ClassVar[Task]
    TASK_TEXT_GENERATION: _ClassVar[Task]
    TASK_IMAGE_CAPTIONING: _ClassVar[Task]
    TASK_TRANSLATION: _ClassVar[Task]
    TASK_FORECASTING: _ClassVar[Task]
    TASK_VIDEO_CLASSIFICATION: _ClassVar[Task]

class ScoreKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCORE_KIND_UNSPECIFIED: _ClassVar[ScoreKind]
    SCORE_KIND_LOGITS: _ClassVar[ScoreKind]
    SCORE_KIND_PROBABILITIES: _ClassVar[ScoreKind]

class TextUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEXT_UNIT_UNSPECIFIED: _ClassVar[TextUnit]
    TEXT_UNIT_CHARACTER: _ClassVar[TextUnit]
    TEXT_UNIT_WORD: _ClassVar[TextUnit]
    TEXT_UNIT_LETTER_RUN: _ClassVar[TextUnit]

class LatentTime(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LATENT_TIME_UNSPECIFIED: _ClassVar[LatentTime]
    LATENT_TIME_ZERO: _ClassVar[LatentTime]
    LATENT_TIME_FIRST_OBSERVATION: _ClassVar[LatentTime]
TASK_UNSPECIFIED: Task
TASK_TENSOR: Task
TASK_IMAGE_CLASSIFICATION: Task
TASK_IMAGE_GENERATION: Task
TASK_IMAGE_RECONSTRUCTION: Task
TASK_TEXT_GENERATION: Task
TASK_IMAGE_CAPTIONING: Task
TASK_TRANSLATION: Task
TASK_FORECASTING: Task
TASK_VIDEO_CLASSIFICATION: Task
SCORE_KIND_UNSPECIFIED: ScoreKind
SCORE_KIND_LOGITS: ScoreKind
SCORE_KIND_PROBABILITIES: ScoreKind
TEXT_UNIT_UNSPECIFIED: TextUnit
TEXT_UNIT_CHARACTER: TextUnit
TEXT_UNIT_WORD: TextUnit
TEXT_UNIT_LETTER_RUN: TextUnit
LATENT_TIME_UNSPECIFIED: LatentTime
LATENT_TIME_ZERO: LatentTime
LATENT_TIME_FIRST_OBSERVATION: LatentTime

class Graph(_message.Message):
    __slots__ = ("name", "file", "inputs", "outputs", "batch_axis")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    BATCH_AXIS_FIELD_NUMBER: _ClassVar[int]
    name: str
    file: str
    inputs: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.TensorSpec]
    outputs: _containers.RepeatedCompositeFieldContainer[_tensor_pb2.TensorSpec]
    batch_axis: str
    def __init__(self, name: _Optional[str] = ..., file: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[_tensor_pb2.TensorSpec, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[_tensor_pb2.TensorSpec, _Mapping]]] = ..., batch_axis: _Optional[str] = ...) -> None: ...

class Classification(_message.Message):
    __slots__ = ("labels", "score_kind")
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SCORE_KIND_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedScalarFieldContainer[str]
    score_kind: ScoreKind
    def __init__(self, labels: _Optional[_Iterable[str]] = ..., score_kind: _Optional[_Union[ScoreKind, str]] = ...) -> None: ...

class NormalPrior(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UniformPrior(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class OneHotPrior(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LatentPart(_message.Message):
    __slots__ = ("size", "normal", "uniform", "one_hot")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    NORMAL_FIELD_NUMBER: _ClassVar[int]
    UNIFORM_FIELD_NUMBER: _ClassVar[int]
    ONE_HOT_FIELD_NUMBER: _ClassVar[int]
    size: int
    normal: NormalPrior
    uniform: UniformPrior
    one_hot: OneHotPrior
    def __init__(self, size: _Optional[int] = ..., normal: _Optional[_Union[NormalPrior, _Mapping]] = ..., uniform: _Optional[_Union[UniformPrior, _Mapping]] = ..., one_hot: _Optional[_Union[OneHotPrior, _Mapping]] = ...) -> None: ...

class LatentDirection(_message.Message):
    __slots__ = ("name", "values", "method", "held_out_accuracy", "num_held_out")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    NUM_HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[float]
    method: str
    held_out_accuracy: float
    num_held_out: int
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., method: _Optional[str] = ..., held_out_accuracy: _Optional[float] = ..., num_held_out: _Optional[int] = ...) -> None: ...

class LatentSpace(_message.Message):
    __slots__ = ("parts", "directions", "class_names")
    PARTS_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    parts: _containers.RepeatedCompositeFieldContainer[LatentPart]
    directions: _containers.RepeatedCompositeFieldContainer[LatentDirection]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, parts: _Optional[_Iterable[_Union[LatentPart, _Mapping]]] = ..., directions: _Optional[_Iterable[_Union[LatentDirection, _Mapping]]] = ..., class_names: _Optional[_Iterable[str]] = ...) -> None: ...

class ImageOutput(_message.Message):
    __slots__ = ("low", "high", "color_mode", "layout")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    COLOR_MODE_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    color_mode: _image_pb2.ColorMode
    layout: _image_pb2.ImageLayout
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ..., color_mode: _Optional[_Union[_image_pb2.ColorMode, str]] = ..., layout: _Optional[_Union[_image_pb2.ImageLayout, str]] = ...) -> None: ...

class Vocabulary(_message.Message):
    __slots__ = ("tokens", "unit", "lowercase", "unknown_id")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    LOWERCASE_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_ID_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedScalarFieldContainer[str]
    unit: TextUnit
    lowercase: bool
    unknown_id: int
    def __init__(self, tokens: _Optional[_Iterable[str]] = ..., unit: _Optional[_Union[TextUnit, str]] = ..., lowercase: bool = ..., unknown_id: _Optional[int] = ...) -> None: ...

class ByteTokens(_message.Message):
    __slots__ = ("offset",)
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    offset: int
    def __init__(self, offset: _Optional[int] = ...) -> None: ...

class HuggingFaceTokenizer(_message.Message):
    __slots__ = ("file",)
    FILE_FIELD_NUMBER: _ClassVar[int]
    file: str
    def __init__(self, file: _Optional[str] = ...) -> None: ...

class Tokenizer(_message.Message):
    __slots__ = ("vocabulary", "bytes", "hugging_face", "start_ids", "end_ids", "special_ids")
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    HUGGING_FACE_FIELD_NUMBER: _ClassVar[int]
    START_IDS_FIELD_NUMBER: _ClassVar[int]
    END_IDS_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_IDS_FIELD_NUMBER: _ClassVar[int]
    vocabulary: Vocabulary
    bytes: ByteTokens
    hugging_face: HuggingFaceTokenizer
    start_ids: _containers.RepeatedScalarFieldContainer[int]
    end_ids: _containers.RepeatedScalarFieldContainer[int]
    special_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, vocabulary: _Optional[_Union[Vocabulary, _Mapping]] = ..., bytes: _Optional[_Union[ByteTokens, _Mapping]] = ..., hugging_face: _Optional[_Union[HuggingFaceTokenizer, _Mapping]] = ..., start_ids: _Optional[_Iterable[int]] = ..., end_ids: _Optional[_Iterable[int]] = ..., special_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class StepState(_message.Message):
    __slots__ = ("input", "output", "encoder_output", "values")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ENCODER_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    input: str
    output: str
    encoder_output: str
    values: _tensor_pb2.Tensor
    def __init__(self, input: _Optional[str] = ..., output: _Optional[str] = ..., encoder_output: _Optional[str] = ..., values: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...

class StepContext(_message.Message):
    __slots__ = ("input", "encoder_output")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    ENCODER_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    input: str
    encoder_output: str
    def __init__(self, input: _Optional[str] = ..., encoder_output: _Optional[str] = ...) -> None: ...

class Generation(_message.Message):
    __slots__ = ("tokenizer", "source_tokenizer", "states", "contexts", "end_ids", "suppressed_ids", "defaults", "max_tokens", "max_source_tokens")
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    END_IDS_FIELD_NUMBER: _ClassVar[int]
    SUPPRESSED_IDS_FIELD_NUMBER: _ClassVar[int]
    DEFAULTS_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_SOURCE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokenizer: Tokenizer
    source_tokenizer: Tokenizer
    states: _containers.RepeatedCompositeFieldContainer[StepState]
    contexts: _containers.RepeatedCompositeFieldContainer[StepContext]
    end_ids: _containers.RepeatedScalarFieldContainer[int]
    suppressed_ids: _containers.RepeatedScalarFieldContainer[int]
    defaults: _decoding_pb2.Decoding
    max_tokens: int
    max_source_tokens: int
    def __init__(self, tokenizer: _Optional[_Union[Tokenizer, _Mapping]] = ..., source_tokenizer: _Optional[_Union[Tokenizer, _Mapping]] = ..., states: _Optional[_Iterable[_Union[StepState, _Mapping]]] = ..., contexts: _Optional[_Iterable[_Union[StepContext, _Mapping]]] = ..., end_ids: _Optional[_Iterable[int]] = ..., suppressed_ids: _Optional[_Iterable[int]] = ..., defaults: _Optional[_Union[_decoding_pb2.Decoding, _Mapping]] = ..., max_tokens: _Optional[int] = ..., max_source_tokens: _Optional[int] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("name", "unit", "offset", "scale")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    offset: float
    scale: float
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., offset: _Optional[float] = ..., scale: _Optional[float] = ...) -> None: ...

class Solver(_message.Message):
    __slots__ = ("method", "step", "max_error", "tolerance", "reference")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    MAX_ERROR_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    method: str
    step: float
    max_error: float
    tolerance: float
    reference: str
    def __init__(self, method: _Optional[str] = ..., step: _Optional[float] = ..., max_error: _Optional[float] = ..., tolerance: _Optional[float] = ..., reference: _Optional[str] = ...) -> None: ...

class Forecasting(_message.Message):
    __slots__ = ("channels", "time_unit", "time_scale", "latent_time", "horizon", "max_reach", "latent_size", "solver", "reading_interval")
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIT_FIELD_NUMBER: _ClassVar[int]
    TIME_SCALE_FIELD_NUMBER: _ClassVar[int]
    LATENT_TIME_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    MAX_REACH_FIELD_NUMBER: _ClassVar[int]
    LATENT_SIZE_FIELD_NUMBER: _ClassVar[int]
    SOLVER_FIELD_NUMBER: _ClassVar[int]
    READING_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    channels: _containers.RepeatedCompositeFieldContainer[Channel]
    time_unit: str
    time_scale: float
    latent_time: LatentTime
    horizon: float
    max_reach: float
    latent_size: int
    solver: Solver
    reading_interval: float
    def __init__(self, channels: _Optional[_Iterable[_Union[Channel, _Mapping]]] = ..., time_unit: _Optional[str] = ..., time_scale: _Optional[float] = ..., latent_time: _Optional[_Union[LatentTime, str]] = ..., horizon: _Optional[float] = ..., max_reach: _Optional[float] = ..., latent_size: _Optional[int] = ..., solver: _Optional[_Union[Solver, _Mapping]] = ..., reading_interval: _Optional[float] = ...) -> None: ...

class Video(_message.Message):
    __slots__ = ("frame_rate", "sampling", "window", "per_frame", "margin", "states")
    FRAME_RATE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    PER_FRAME_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    frame_rate: float
    sampling: _video_pb2.FrameSampling
    window: int
    per_frame: bool
    margin: int
    states: _containers.RepeatedCompositeFieldContainer[StepState]
    def __init__(self, frame_rate: _Optional[float] = ..., sampling: _Optional[_Union[_video_pb2.FrameSampling, _Mapping]] = ..., window: _Optional[int] = ..., per_frame: bool = ..., margin: _Optional[int] = ..., states: _Optional[_Iterable[_Union[StepState, _Mapping]]] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("architecture", "config", "checkpoint", "checkpoint_sha256", "exported_at", "tool_versions", "opset")
    class ToolVersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_SHA256_FIELD_NUMBER: _ClassVar[int]
    EXPORTED_AT_FIELD_NUMBER: _ClassVar[int]
    TOOL_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    OPSET_FIELD_NUMBER: _ClassVar[int]
    architecture: str
    config: _struct_pb2.Struct
    checkpoint: str
    checkpoint_sha256: str
    exported_at: _timestamp_pb2.Timestamp
    tool_versions: _containers.ScalarMap[str, str]
    opset: int
    def __init__(self, architecture: _Optional[str] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., checkpoint: _Optional[str] = ..., checkpoint_sha256: _Optional[str] = ..., exported_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tool_versions: _Optional[_Mapping[str, str]] = ..., opset: _Optional[int] = ...) -> None: ...

class ParityCase(_message.Message):
    __slots__ = ("graph", "output", "axes", "inputs", "max_abs_diff")
    class AxesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    AXES_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    MAX_ABS_DIFF_FIELD_NUMBER: _ClassVar[int]
    graph: str
    output: str
    axes: _containers.ScalarMap[str, int]
    inputs: str
    max_abs_diff: float
    def __init__(self, graph: _Optional[str] = ..., output: _Optional[str] = ..., axes: _Optional[_Mapping[str, int]] = ..., inputs: _Optional[str] = ..., max_abs_diff: _Optional[float] = ...) -> None: ...

class Parity(_message.Message):
    __slots__ = ("reference", "absolute_tolerance", "relative_tolerance", "cases")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    ABSOLUTE_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    CASES_FIELD_NUMBER: _ClassVar[int]
    reference: str
    absolute_tolerance: float
    relative_tolerance: float
    cases: _containers.RepeatedCompositeFieldContainer[ParityCase]
    def __init__(self, reference: _Optional[str] = ..., absolute_tolerance: _Optional[float] = ..., relative_tolerance: _Optional[float] = ..., cases: _Optional[_Iterable[_Union[ParityCase, _Mapping]]] = ...) -> None: ...

class Evaluation(_message.Message):
    __slots__ = ("metric", "value", "unit", "dataset", "num_examples")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    NUM_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    metric: str
    value: float
    unit: str
    dataset: str
    num_examples: int
    def __init__(self, metric: _Optional[str] = ..., value: _Optional[float] = ..., unit: _Optional[str] = ..., dataset: _Optional[str] = ..., num_examples: _Optional[int] = ...) -> None: ...

class FileDigest(_message.Message):
    __slots__ = ("name", "size_bytes", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    size_bytes: int
    sha256: str
    def __init__(self, name: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class ModelManifest(_message.Message):
    __slots__ = ("format", "task", "description", "graphs", "image_preprocessing", "classification", "provenance", "parity", "evaluations", "files", "latent_space", "image_output", "generation", "forecasting", "video")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    GRAPHS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    CLASSIFICATION_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    PARITY_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    LATENT_SPACE_FIELD_NUMBER: _ClassVar[int]
    IMAGE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    FORECASTING_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    format: int
    task: Task
    description: str
    graphs: _containers.RepeatedCompositeFieldContainer[Graph]
    image_preprocessing: _image_pb2.ImagePreprocessing
    classification: Classification
    provenance: Provenance
    parity: Parity
    evaluations: _containers.RepeatedCompositeFieldContainer[Evaluation]
    files: _containers.RepeatedCompositeFieldContainer[FileDigest]
    latent_space: LatentSpace
    image_output: ImageOutput
    generation: Generation
    forecasting: Forecasting
    video: Video
    def __init__(self, format: _Optional[int] = ..., task: _Optional[_Union[Task, str]] = ..., description: _Optional[str] = ..., graphs: _Optional[_Iterable[_Union[Graph, _Mapping]]] = ..., image_preprocessing: _Optional[_Union[_image_pb2.ImagePreprocessing, _Mapping]] = ..., classification: _Optional[_Union[Classification, _Mapping]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., parity: _Optional[_Union[Parity, _Mapping]] = ..., evaluations: _Optional[_Iterable[_Union[Evaluation, _Mapping]]] = ..., files: _Optional[_Iterable[_Union[FileDigest, _Mapping]]] = ..., latent_space: _Optional[_Union[LatentSpace, _Mapping]] = ..., image_output: _Optional[_Union[ImageOutput, _Mapping]] = ..., generation: _Optional[_Union[Generation, _Mapping]] = ..., forecasting: _Optional[_Union[Forecasting, _Mapping]] = ..., video: _Optional[_Union[Video, _Mapping]] = ...) -> None: ...
