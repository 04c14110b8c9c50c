"""Pictures of filters and templates."""

from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest
from numpy.typing import NDArray
from onnx import TensorProto
from podium.v1 import image_pb2, model_manifest_pb2
from podium_export.errors import GraphError
from podium_export.inspection.examined import Examined, examine
from podium_export.inspection.filters import draw_filters, sheet, tiles_of
from podium_export.inspection.opened import Opened, open_path


def one_layer(
    folder: Path,
    operator: str,
    weights: NDArray[np.float32],
    input_shape: list[int | str],
    preprocessing: image_pb2.ImagePreprocessing | None = None,
    *,
    turned: bool = False,
) -> Examined:
    """Give a graph of one layer with the given weights, on its flattened input where it is linear."""
    node = onnx.helper.make_node
    flatten = [node("Flatten", ["x"], ["h"])] if operator != "Conv" else [node("Identity", ["x"], ["h"])]
    layer = node(operator, ["h", "w"], ["y"], transB=1) if turned else node(operator, ["h", "w"], ["y"])
    graph = onnx.helper.make_graph(
        [*flatten, layer],
        "g",
        [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    path = folder / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    manifest = None
    if preprocessing is not None:
        graphs = [model_manifest_pb2.Graph(name="model", file="model.onnx", batch_axis="N")]
        manifest = model_manifest_pb2.ModelManifest(graphs=graphs, image_preprocessing=preprocessing)
    return examine(Opened(folder, "one layer", manifest, {"model": path}))


def centres(picture: NDArray[np.uint8], rows: int, columns: int, gap: int = 4) -> NDArray[np.uint8]:
    """Give the pixels in the middle of each of the cells of a sheet."""
    height, width = picture.shape[0] - gap, picture.shape[1] - gap
    down = gap + np.arange(rows) * height // rows + (height // rows - gap) // 2
    across = gap + np.arange(columns) * width // columns + (width // columns - gap) // 2
    return picture[np.ix_(down, across)]


def test_each_filter_uses_the_full_range() -> None:
    """The least weight is black, the greatest white, whatever the other filters hold."""
    filters = np.array([[[[-1.0, 0.0, 1.0]]], [[[10.0, 10.5, 11.0]]]], dtype=np.float32)
    tiles = tiles_of(filters)
    assert tiles[..., 0].tolist() == [[[0, 128, 255]], [[0, 128, 255]]]


def test_a_filter_of_one_value_is_grey() -> None:
    """Nothing is divided by zero."""
    assert set(tiles_of(np.full((1, 1, 2, 2), 3.0, np.float32)).ravel()) == {128}


def test_three_channels_are_red_green_and_blue() -> None:
    """One scale for the three, so that colours keep their balance."""
    tiles = tiles_of(np.array([1.0, 0.5, 0.0], np.float32).reshape(1, 3, 1, 1))
    assert tiles[0, 0, 0].tolist() == [255, 128, 0]


def test_other_numbers_of_channels_are_grey_pictures_each() -> None:
    """Two filters of five channels give ten tiles."""
    assert tiles_of(np.zeros((2, 5, 3, 3), np.float32)).shape == (10, 3, 3, 3)


@pytest.mark.parametrize(
    ("count", "columns", "rows"), [(1, 1, 1), (6, 3, 2), (20, 5, 4), (32, 8, 4), (64, 8, 8), (7, 3, 3)]
)
def test_tiles_fill_a_grid_without_gaps_where_they_can(count: int, columns: int, rows: int) -> None:
    """The sheet is about as wide as high."""
    picture = sheet(np.zeros((count, 5, 5, 3), np.uint8))
    assert picture.width * rows == pytest.approx(picture.height * columns, rel=0.1)
    assert picture.width <= 4096


def test_a_bank_of_many_tiles_stays_a_picture_of_bearable_size() -> None:
    """A hidden layer keeps hundreds of templates."""
    assert max(sheet(np.zeros((500, 28, 28, 3), np.uint8)).size) <= 4096


def test_alexnets_sheet_has_64_tiles_of_11_by_11(alexnet: Path) -> None:
    """Eight by eight, each pixel of a filter enlarged to a square."""
    picture = draw_filters(examine(open_path(alexnet)))
    assert picture.size == (8 * (11 * 7 + 4) + 4, 8 * (11 * 7 + 4) + 4)


@pytest.mark.parametrize(("operator", "turned"), [("Gemm", True), ("Gemm", False), ("MatMul", False)])
def test_a_linear_classifier_shows_its_templates(tmp_path: Path, operator: str, turned: bool) -> None:
    """One picture a class, in the input's shape, whichever way the matrix is stored."""
    templates = np.zeros((2, 1, 3, 3), np.float32)
    templates[0, 0, 1, 1], templates[1, 0, 1, 1] = 1, -1  # bright and dark centre
    matrix = templates.reshape(2, 9)
    examined = one_layer(tmp_path, operator, matrix if turned else matrix.T.copy(), ["N", 1, 3, 3], turned=turned)
    picture = np.asarray(draw_filters(examined))
    assert centres(picture, 1, 2)[0, :, 0].tolist() == [255, 0]


def test_channels_last_and_blue_first_are_turned(tmp_path: Path) -> None:
    """A template that answers to blue is drawn blue, however the network's input is laid out."""
    weights = np.zeros((12, 1), np.float32)
    weights[0::3] = 1  # (height, width, channel) with blue first
    preprocessing = image_pb2.ImagePreprocessing(
        height=2, width=2, color_mode=image_pb2.COLOR_MODE_BGR, layout=image_pb2.IMAGE_LAYOUT_NHWC
    )
    examined = one_layer(tmp_path, "MatMul", weights, ["N", 2, 2, 3], preprocessing)
    assert np.asarray(draw_filters(examined))[10, 10].tolist() == [0, 0, 255]


def test_a_linear_layer_on_numbers_has_no_picture(tmp_path: Path) -> None:
    """Nine numbers are not known to be 3×3."""
    examined = one_layer(tmp_path, "MatMul", np.ones((9, 2), np.float32), ["N", 9])
    with pytest.raises(GraphError, match="linear on 9 numbers that are not known to be a picture"):
        draw_filters(examined)


def test_a_convolution_in_time_has_no_picture(tmp_path: Path) -> None:
    """Its filters have one axis."""
    examined = one_layer(tmp_path, "Conv", np.ones((2, 1, 3), np.float32), ["N", 1, 9])
    with pytest.raises(GraphError, match="filters with 1 axes"):
        draw_filters(examined)


def test_a_first_layer_of_another_kind_is_named(tmp_path: Path) -> None:
    """The refusal says what the first layer is."""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Softmax", ["x"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
        [onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
    )
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    with pytest.raises(GraphError, match="is Softmax; there is a picture only for"):
        draw_filters(examine(open_path(path)))
