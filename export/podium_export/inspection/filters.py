"""Draws what a network's first layer looks for: a convolution's filters, or a linear layer's templates.

A convolution's first filters show oriented edges and opposing colours; a linear layer keeps one template of the
whole picture for each of its outputs.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import image_pb2

from podium_export.errors import GraphError
from podium_export.inspection.examined import Examined, ExaminedGraph
from podium_export.inspection.graph import OnnxGraph, attributes

_TILE_PX = 72
_SHEET_PX = 4096
_GAP_PX = 4
_BETWEEN = (38, 50, 72)  # neither grey nor of full range, so that no tile runs into it
# What stands between the input and the first weights without changing what they look for.
_PASSED_OVER = frozenset(
    {
        "Identity",
        "Dropout",
        "Flatten",
        "Reshape",
        "Squeeze",
        "Unsqueeze",
        "Cast",
        "Transpose",
        "Pad",
        "Sub",
        "Add",
        "Mul",
        "Div",
        "QuantizeLinear",
        "DequantizeLinear",
        "BatchNormalization",
    }
)

Tiles = NDArray[np.uint8]
"""Pictures of one size: (count, height, width, 3)."""


def draw_filters(examined: Examined) -> Image.Image:
    """Draw the first layer's filters or templates as one sheet, each brought to the full range by itself.

    Raises:
        GraphError: the first layer with weights is neither a convolution of pictures nor a linear layer on one.
    """
    graph = examined.graphs[0]
    preprocessing = examined.manifest.image_preprocessing if examined.manifest else None
    weights = _first_weights(graph, preprocessing)
    if preprocessing is not None and preprocessing.color_mode == image_pb2.COLOR_MODE_BGR:
        weights = weights[:, ::-1]
    return sheet(tiles_of(weights))


def tiles_of(filters: NDArray[np.float32]) -> Tiles:
    """Turn filters (count, channel, height, width) into pictures.

    Three channels are red, green and blue; one is grey; of any other number, each is a grey picture by itself.
    """
    if filters.shape[1] not in {1, 3}:
        filters = filters.reshape(-1, 1, *filters.shape[2:])
    low = filters.min(axis=(1, 2, 3), keepdims=True)
    spread = filters.max(axis=(1, 2, 3), keepdims=True) - low
    flat = spread == 0
    shades = np.where(flat, 0.5, (filters - low) / np.where(flat, 1, spread))
    tiles = np.rint(255 * shades).astype(np.uint8).transpose(0, 2, 3, 1)
    return np.broadcast_to(tiles, (*tiles.shape[:3], 3))


def sheet(tiles: Tiles) -> Image.Image:
    """Lay tiles out in a grid about as wide as high, enlarged without smoothing."""
    count, height, width, _ = tiles.shape
    columns = _num_columns(count)
    rows = -(-count // columns)
    room = _SHEET_PX // columns - _GAP_PX
    scale = max(1, min(-(-_TILE_PX // max(height, width)), room // max(height, width)))
    step_y, step_x = height * scale + _GAP_PX, width * scale + _GAP_PX
    canvas = np.empty((rows * step_y + _GAP_PX, columns * step_x + _GAP_PX, 3), np.uint8)
    canvas[:] = _BETWEEN
    for place, tile in enumerate(tiles):
        top = _GAP_PX + place // columns * step_y
        left = _GAP_PX + place % columns * step_x
        enlarged = tile.repeat(scale, axis=0).repeat(scale, axis=1)
        canvas[top : top + height * scale, left : left + width * scale] = enlarged
    return Image.fromarray(canvas)


def _num_columns(count: int) -> int:
    """Give a width at or above the square root that leaves no gap in the last row, if one is near."""
    square = math.isqrt(count - 1) + 1
    return next((n for n in range(square, 2 * square) if count % n == 0), square)


def _first_weights(graph: ExaminedGraph, preprocessing: image_pb2.ImagePreprocessing | None) -> NDArray[np.float32]:
    """Give the first layer's weights as (filter, channel, height, width)."""
    for node in graph.onnx.nodes:
        if node.op_type == "Conv":
            return _filters(graph.onnx, node)
        if node.op_type in {"Gemm", "MatMul"}:
            return _templates(graph, node, preprocessing)
        computed = any(name and name not in graph.onnx.constants for name in node.input)
        if computed and node.op_type not in _PASSED_OVER:
            raise GraphError(
                f"--filters: the first layer of {graph.file} is {node.op_type}; there is a picture only for a "
                "convolution or a linear layer"
            )
    raise GraphError(f"--filters: {graph.file} has neither a convolution nor a linear layer")


def _filters(graph: OnnxGraph, node: Any) -> NDArray[np.float32]:
    weights = _stored(graph, node.input[1])
    if weights.ndim != 4:
        raise GraphError(
            f"--filters: the first convolution has filters with {weights.ndim - 2} axes; only those of pictures, "
            "with height and width, can be drawn"
        )
    return weights


def _templates(
    graph: ExaminedGraph, node: Any, preprocessing: image_pb2.ImagePreprocessing | None
) -> NDArray[np.float32]:
    weights = _stored(graph.onnx, node.input[1])
    turned = node.op_type == "Gemm" and attributes(node).get("transB", 0)
    templates = weights if turned else weights.T
    shape, channels_last = _picture_shape(graph, preprocessing)
    if shape is None or templates.ndim != 2 or templates.shape[1] != np.prod(shape):
        raise GraphError(
            f"--filters: the first layer of {graph.file} is linear on {templates.shape[-1]} numbers that are not "
            "known to be a picture; there are templates only where the input is one"
        )
    if channels_last:
        return templates.reshape(-1, *shape).transpose(0, 3, 1, 2)
    return templates.reshape(-1, *shape)


def _picture_shape(
    graph: ExaminedGraph, preprocessing: image_pb2.ImagePreprocessing | None
) -> tuple[tuple[int, ...] | None, bool]:
    """Give one input picture's axes, and whether its channels come last."""
    if preprocessing is not None:
        channels = 1 if preprocessing.color_mode == image_pb2.COLOR_MODE_GRAY else 3
        if preprocessing.layout == image_pb2.IMAGE_LAYOUT_NHWC:
            return (preprocessing.height, preprocessing.width, channels), True
        return (channels, preprocessing.height, preprocessing.width), False
    axes = graph.inputs[0].shape or ()
    lengths = tuple(axis for axis in axes[1:] if isinstance(axis, int))
    if len(axes) != 4 or len(lengths) != 3:
        return None, False
    return lengths, lengths[0] not in {1, 3} and lengths[2] in {1, 3}


def _stored(graph: OnnxGraph, name: str) -> NDArray[np.float32]:
    constant = graph.constants.get(name)
    if constant is None or constant.tensor is None:
        raise GraphError(f'--filters: the first layer\'s weights "{name}" are computed by the graph, not stored')
    return np.asarray(graph.array(constant), dtype=np.float32)
