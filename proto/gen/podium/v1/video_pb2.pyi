from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AllFrames(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FrameSampling(_message.Message):
    __slots__ = ("all", "every", "uniform")
    ALL_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    UNIFORM_FIELD_NUMBER: _ClassVar[int]
    all: AllFrames
    every: int
    uniform: int
    def __init__(self, all: _Optional[_Union[AllFrames, _Mapping]] = ..., every: _Optional[int] = ..., uniform: _Optional[int] = ...) -> None: ...
