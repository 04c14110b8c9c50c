from podium.v1 import tensor_pb2 as _tensor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ColorMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COLOR_MODE_UNSPECIFIED: _ClassVar[ColorMode]
    COLOR_MODE_GRAY: _ClassVar[ColorMode]
    COLOR_MODE_RGB: _ClassVar[ColorMode]
    COLOR_MODE_BGR: _ClassVar[ColorMode]

class ResizeMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESIZE_MODE_UNSPECIFIED: _ClassVar[ResizeMode]
    RESIZE_MODE_STRETCH: _ClassVar[ResizeMode]
    RESIZE_MODE_CENTER_CROP: _ClassVar[ResizeMode]
    RESIZE_MODE_CROP_THEN_RESIZE: _ClassVar[ResizeMode]
    RESIZE_MODE_EXACT: _ClassVar[ResizeMode]

class Interpolation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERPOLATION_UNSPECIFIED: _ClassVar[Interpolation]
    INTERPOLATION_NEAREST: _ClassVar[Interpolation]
    INTERPOLATION_BILINEAR: _ClassVar[Interpolation]
    INTERPOLATION_BICUBIC: _ClassVar[Interpolation]
    INTERPOLATION_LANCZOS: _ClassVar[Interpolation]

class ImageLayout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_LAYOUT_UNSPECIFIED: _ClassVar[ImageLayout]
    IMAGE_LAYOUT_NCHW: _ClassVar[ImageLayout]
    IMAGE_LAYOUT_NHWC: _ClassVar[ImageLayout]
COLOR_MODE_UNSPECIFIED: ColorMode
COLOR_MODE_GRAY: ColorMode
COLOR_MODE_RGB: ColorMode
COLOR_MODE_BGR: ColorMode
RESIZE_MODE_UNSPECIFIED: ResizeMode
RESIZE_MODE_STRETCH: ResizeMode
RESIZE_MODE_CENTER_CROP: ResizeMode
RESIZE_MODE_CROP_THEN_RESIZE: ResizeMode
RESIZE_MODE_EXACT: ResizeMode
INTERPOLATION_UNSPECIFIED: Interpolation
INTERPOLATION_NEAREST: Interpolation
INTERPOLATION_BILINEAR: Interpolation
INTERPOLATION_BICUBIC: Interpolation
INTERPOLATION_LANCZOS: Interpolation
IMAGE_LAYOUT_UNSPECIFIED: ImageLayout
IMAGE_LAYOUT_NCHW: ImageLayout
IMAGE_LAYOUT_NHWC: ImageLayout

class Image(_message.Message):
    __slots__ = ("encoded", "tensor")
    ENCODED_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    encoded: bytes
    tensor: _tensor_pb2.Tensor
    def __init__(self, encoded: _Optional[bytes] = ..., tensor: _Optional[_Union[_tensor_pb2.Tensor, _Mapping]] = ...) -> None: ...

class ImagePreprocessing(_message.Message):
    __slots__ = ("height", "width", "color_mode", "resize_mode", "interpolation", "shorter_side", "crop_fraction", "rescale", "mean", "std", "layout", "alpha_background")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    COLOR_MODE_FIELD_NUMBER: _ClassVar[int]
    RESIZE_MODE_FIELD_NUMBER: _ClassVar[int]
    INTERPOLATION_FIELD_NUMBER: _ClassVar[int]
    SHORTER_SIDE_FIELD_NUMBER: _ClassVar[int]
    CROP_FRACTION_FIELD_NUMBER: _ClassVar[int]
    RESCALE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STD_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    ALPHA_BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    color_mode: ColorMode
    resize_mode: ResizeMode
    interpolation: Interpolation
    shorter_side: int
    crop_fraction: float
    rescale: float
    mean: _containers.RepeatedScalarFieldContainer[float]
    std: _containers.RepeatedScalarFieldContainer[float]
    layout: ImageLayout
    alpha_background: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., color_mode: _Optional[_Union[ColorMode, str]] = ..., resize_mode: _Optional[_Union[ResizeMode, str]] = ..., interpolation: _Optional[_Union[Interpolation, str]] = ..., shorter_side: _Optional[int] = ..., crop_fraction: _Optional[float] = ..., rescale: _Optional[float] = ..., mean: _Optional[_Iterable[float]] = ..., std: _Optional[_Iterable[float]] = ..., layout: _Optional[_Union[ImageLayout, str]] = ..., alpha_background: _Optional[_Iterable[int]] = ...) -> None: ...
