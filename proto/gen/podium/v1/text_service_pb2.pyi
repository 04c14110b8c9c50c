from podium.v1 import decoding_pb2 as _decoding_pb2
from podium.v1 import response_metadata_pb2 as _response_metadata_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GenerateRequest(_message.Message):
    __slots__ = ("model", "prompt", "decoding", "seed", "num_sequences", "replace_unknown", "return_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUM_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    REPLACE_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: str
    decoding: _decoding_pb2.Decoding
    seed: int
    num_sequences: int
    replace_unknown: bool
    return_log_probabilities: bool
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[str] = ..., decoding: _Optional[_Union[_decoding_pb2.Decoding, _Mapping]] = ..., seed: _Optional[int] = ..., num_sequences: _Optional[int] = ..., replace_unknown: bool = ..., return_log_probabilities: bool = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("metadata", "sequences", "usage")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    sequences: _containers.RepeatedCompositeFieldContainer[_decoding_pb2.GeneratedSequence]
    usage: _decoding_pb2.GenerationUsage
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., sequences: _Optional[_Iterable[_Union[_decoding_pb2.GeneratedSequence, _Mapping]]] = ..., usage: _Optional[_Union[_decoding_pb2.GenerationUsage, _Mapping]] = ...) -> None: ...

class StreamGenerateRequest(_message.Message):
    __slots__ = ("model", "prompt", "decoding", "seed", "num_sequences", "replace_unknown", "return_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUM_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    REPLACE_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    prompt: str
    decoding: _decoding_pb2.Decoding
    seed: int
    num_sequences: int
    replace_unknown: bool
    return_log_probabilities: bool
    def __init__(self, model: _Optional[str] = ..., prompt: _Optional[str] = ..., decoding: _Optional[_Union[_decoding_pb2.Decoding, _Mapping]] = ..., seed: _Optional[int] = ..., num_sequences: _Optional[int] = ..., replace_unknown: bool = ..., return_log_probabilities: bool = ...) -> None: ...

class StreamGenerateResponse(_message.Message):
    __slots__ = ("metadata", "pieces", "usage")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    pieces: _containers.RepeatedCompositeFieldContainer[_decoding_pb2.SequencePiece]
    usage: _decoding_pb2.GenerationUsage
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., pieces: _Optional[_Iterable[_Union[_decoding_pb2.SequencePiece, _Mapping]]] = ..., usage: _Optional[_Union[_decoding_pb2.GenerationUsage, _Mapping]] = ...) -> None: ...

class TranslateRequest(_message.Message):
    __slots__ = ("model", "texts", "decoding", "seed", "num_best", "replace_unknown", "return_log_probabilities")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    DECODING_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUM_BEST_FIELD_NUMBER: _ClassVar[int]
    REPLACE_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    RETURN_LOG_PROBABILITIES_FIELD_NUMBER: _ClassVar[int]
    model: str
    texts: _containers.RepeatedScalarFieldContainer[str]
    decoding: _decoding_pb2.Decoding
    seed: int
    num_best: int
    replace_unknown: bool
    return_log_probabilities: bool
    def __init__(self, model: _Optional[str] = ..., texts: _Optional[_Iterable[str]] = ..., decoding: _Optional[_Union[_decoding_pb2.Decoding, _Mapping]] = ..., seed: _Optional[int] = ..., num_best: _Optional[int] = ..., replace_unknown: bool = ..., return_log_probabilities: bool = ...) -> None: ...

class TranslateResponse(_message.Message):
    __slots__ = ("metadata", "results", "usage")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    results: _containers.RepeatedCompositeFieldContainer[TranslationResult]
    usage: _decoding_pb2.GenerationUsage
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., results: _Optional[_Iterable[_Union[TranslationResult, _Mapping]]] = ..., usage: _Optional[_Union[_decoding_pb2.GenerationUsage, _Mapping]] = ...) -> None: ...

class TranslationResult(_message.Message):
    __slots__ = ("translations",)
    TRANSLATIONS_FIELD_NUMBER: _ClassVar[int]
    translations: _containers.RepeatedCompositeFieldContainer[_decoding_pb2.GeneratedSequence]
    def __init__(self, translations: _Optional[_Iterable[_Union[_decoding_pb2.GeneratedSequence, _Mapping]]] = ...) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("model", "texts", "replace_unknown", "return_tokens")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    REPLACE_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    RETURN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: str
    texts: _containers.RepeatedScalarFieldContainer[str]
    replace_unknown: bool
    return_tokens: bool
    def __init__(self, model: _Optional[str] = ..., texts: _Optional[_Iterable[str]] = ..., replace_unknown: bool = ..., return_tokens: bool = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("metadata", "results", "usage")
    METADATA_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    metadata: _response_metadata_pb2.ResponseMetadata
    results: _containers.RepeatedCompositeFieldContainer[ScoreResult]
    usage: _decoding_pb2.GenerationUsage
    def __init__(self, metadata: _Optional[_Union[_response_metadata_pb2.ResponseMetadata, _Mapping]] = ..., results: _Optional[_Iterable[_Union[ScoreResult, _Mapping]]] = ..., usage: _Optional[_Union[_decoding_pb2.GenerationUsage, _Mapping]] = ...) -> None: ...

class ScoreResult(_message.Message):
    __slots__ = ("log_likelihood", "num_tokens", "perplexity", "tokens")
    LOG_LIKELIHOOD_FIELD_NUMBER: _ClassVar[int]
    NUM_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PERPLEXITY_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    log_likelihood: float
    num_tokens: int
    perplexity: float
    tokens: _containers.RepeatedCompositeFieldContainer[ScoredToken]
    def __init__(self, log_likelihood: _Optional[float] = ..., num_tokens: _Optional[int] = ..., perplexity: _Optional[float] = ..., tokens: _Optional[_Iterable[_Union[ScoredToken, _Mapping]]] = ...) -> None: ...

class ScoredToken(_message.Message):
    __slots__ = ("id", "text", "log_probability")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LOG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    id: int
    text: str
    log_probability: float
    def __init__(self, id: _Optional[int] = ..., text: _Optional[str] = ..., log_probability: _Optional[float] = ...) -> None: ...
