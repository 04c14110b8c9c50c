"""The table of layers of any graph."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx.numpy_helper
import onnx.parser
import pytest
import torch
from podium_export.architecture import GraphBlueprint, InputSpec
from podium_export.inspection.graph import OnnxGraph
from podium_export.inspection.layers import Layer, batch_axis_of, layers
from podium_export.inspection.receptive_field import Extent, Window
from torch import Tensor, nn


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Sequence[Layer]]:
    """Give what lists the layers of a graph in ONNX's own notation; tensors that are only declared are weights."""

    def make(text: str) -> Sequence[Layer]:
        model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 20, "own" : 1]> {text}')
        declared = [v for v in model.graph.value_info if v.name not in {t.name for t in model.graph.initializer}]
        for value in declared:
            shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(shape, np.float32), value.name))
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        graph = OnnxGraph.read(path)
        return layers(graph, batch_axis_of(graph))

    return make


@pytest.mark.parametrize(
    ("side", "kernel", "padding", "stride"),
    [(32, 5, 0, 1), (32, 5, 2, 1), (5, 3, 1, 1), (5, 3, 1, 2), (224, 11, 2, 4), (28, 2, 0, 2)],
)
def test_a_convolutions_side_is_h_plus_2p_minus_k_by_s_plus_1(
    table: Callable[[str], Sequence[Layer]], side: int, kernel: int, padding: int, stride: int
) -> None:
    """The lecture's formula, for the lecture's examples and more."""
    rows = table(
        f"""g (float[N,3,{side},{side}] x) => (float[N,6,M,M] y) <float[6,3,{kernel},{kernel}] w> {{
          y = Conv<pads=[{padding},{padding},{padding},{padding}], strides=[{stride},{stride}]>(x, w)
        }}"""
    )
    out = (side + 2 * padding - kernel) // stride + 1
    assert rows[1].label == f"conv, 6 filters, K {kernel}, P {padding}, S {stride}"
    assert rows[1].output == (6, out, out)


def test_a_pooling_halves_64_by_224_by_224(table: Callable[[str], Sequence[Layer]]) -> None:
    """The lecture's example, without parameters."""
    rows = table(
        "g (float[N,64,224,224] x) => (float[N,64,112,112] y) { y = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) }"
    )
    assert (rows[1].label, rows[1].output, rows[1].weights) == ("max pool, K 2, S 2", (64, 112, 112), ())


def test_windows_that_are_not_square_say_so(table: Callable[[str], Sequence[Layer]]) -> None:
    """Sides are given down then across; padding before and after where they differ."""
    rows = table(
        """g (float[N,1,9,9] x) => (float[N,2,A,B] y) <float[2,1,3,5] w> {
          y = Conv<pads=[0,2,1,2], strides=[2,1], dilations=[1,2]>(x, w)
        }"""
    )
    assert rows[1].label == "conv, 2 filters, K 3×5, P 0+1×2, S 2×1, D 1×2"
    assert rows[1].receptive_field == Window((3, 9), (2, 1))


def test_depthwise_and_grouped_convolutions_are_told_apart(table: Callable[[str], Sequence[Layer]]) -> None:
    """A filter a channel is depthwise; a few groups are named by their number."""
    rows = table(
        """g (float[N,8,9,9] x) => (float[N,8,9,9] y) <float[8,1,3,3] v, float[8,4,3,3] w> {
          h = Conv<group=8, pads=[1,1,1,1]>(x, v)
          y = Conv<group=2, pads=[1,1,1,1]>(h, w)
        }"""
    )
    assert [row.label for row in rows[1:]] == [
        "depthwise conv, 8 filters, K 3, P 1, S 1",
        "conv, 8 filters, K 3, P 1, S 1, G 2",
    ]
    assert [row.weights for row in rows[1:]] == [((8, 1, 3, 3),), ((8, 4, 3, 3),)]


def test_normalisation_that_was_not_folded_is_a_row(table: Callable[[str], Sequence[Layer]]) -> None:
    """It moves no window."""
    rows = table(
        """g (float[N,2,9,9] x) => (float[N,4,7,7] y) <float[4,2,3,3] w, float[4] a, float[4] b, float[4] c, float[4] d>
        { h = Conv(x, w)  y = BatchNormalization(h, a, b, c, d) }"""
    )
    assert [row.label for row in rows[1:]] == ["conv, 4 filters, K 3, P 0, S 1", "batch norm"]
    assert rows[2].receptive_field == Window((3, 3), (1, 1))


def test_a_residual_sum_sees_what_its_widest_branch_sees(table: Callable[[str], Sequence[Layer]]) -> None:
    """The branch through the convolution is wider than the carried input."""
    rows = table(
        """g (float[N,2,9,9] x) => (float[N,2,9,9] y) <float[2,2,5,5] w> {
          h = Conv<pads=[2,2,2,2]>(x, w)
          y = Add(h, x)
        }"""
    )
    assert rows[2].receptive_field == Window((5, 5), (1, 1))


def test_a_mean_over_the_picture_sees_all_of_it(table: Callable[[str], Sequence[Layer]]) -> None:
    """However it is written, and what it scales sees all of it too."""
    rows = table(
        """g (float[N,2,9,9] x) => (float[N,2,9,9] y) <int64[2] axes = {2, 3}> {
          m = ReduceMean(x, axes)
          p = GlobalAveragePool(x)
          y = Mul(x, p)
        }"""
    )
    assert [row.label for row in rows[1:]] == ["global average pool", "global average pool", "multiply"]
    assert {row.receptive_field for row in rows[1:]} == {Extent.WHOLE}


def test_a_product_and_its_bias_are_one_linear_layer(table: Callable[[str], Sequence[Layer]]) -> None:
    """Other frameworks write MatMul and Add; weights are inputs × outputs either way."""
    rows = table(
        """g (float[N,6] x) => (float[N,3] y) <float[6,4] v, float[4] a, float[3,4] w, float[3] b> {
          h = MatMul(x, v)
          i = Add(h, a)
          y = Gemm<transB=1>(i, w, b)
        }"""
    )
    assert [(row.label, row.weights) for row in rows[1:]] == [("linear", ((6, 4),)), ("linear", ((4, 3),))]


def test_a_linear_layer_at_each_position_sees_its_position(table: Callable[[str], Sequence[Layer]]) -> None:
    """On (batch, position, feature) nothing is mixed between positions."""
    rows = table("g (float[N,7,6] x) => (float[N,7,4] y) <float[6,4] w> { y = MatMul(x, w) }")
    assert rows[1].receptive_field == Window((1,), (1,))


def test_shape_arithmetic_is_no_layer(table: Callable[[str], Sequence[Layer]]) -> None:
    """What only computes lengths is left out; a reshape to one axis is a flatten."""
    rows = table(
        """g (float[N,2,3,3] x) => (float[N,18] y) <int64 zero = {0}, int64[1] rest = {-1}, int64[1] axis = {0}> {
          s = Shape(x)
          n = Gather(s, zero)
          m = Unsqueeze(n, axis)
          t = Concat<axis=0>(m, rest)
          y = Reshape(x, t)
        }"""
    )
    assert [row.label for row in rows] == ["input", "flatten"]
    assert rows[0].output == (2, 3, 3)


def test_a_flattened_picture_still_shows_pixels(table: Callable[[str], Sequence[Layer]]) -> None:
    """And a picture made of flat numbers again is one that windows can be followed on."""
    rows = table(
        """g (float[N,1,4,4] x) => (float[N,1,2,2] y) <int64[4] side = {0, 1, 4, 4}, float[1,1,3,3] w> {
          f = Flatten(x)
          p = Reshape(f, side)
          y = Conv(p, w)
        }"""
    )
    assert [row.label for row in rows[1:3]] == ["flatten", "reshape"]
    assert [row.receptive_field for row in rows[1:]] == [Window.pixel(2), Window.pixel(2), Window((3, 3), (1, 1))]


def test_recurrent_and_unknown_operators_claim_no_receptive_field(table: Callable[[str], Sequence[Layer]]) -> None:
    """They are named, with their weights, and nothing after them claims one either."""
    rows = table(
        """g (float[T,N,4] x) => (float[T,1,N,6] z) <float[1,24,4] w, float[1,24,6] r> {
          y, h, c = LSTM<hidden_size=6>(x, w, r)
          o = own.Magic(y)
          z = Relu(o)
        }"""
    )
    assert [row.label for row in rows[1:]] == ["LSTM, 6 units", "own.Magic", "ReLU"]
    assert rows[1].weights == ((1, 24, 4), (1, 24, 6))
    assert {row.receptive_field for row in rows[1:]} == {Extent.UNKNOWN}


def test_a_fixed_batch_is_shown(table: Callable[[str], Sequence[Layer]]) -> None:
    """A graph that takes only batches of 1 says so; nothing is hidden that a caller must send."""
    rows = table("g (float[1,4] x) => (float[1,4] y) { y = Relu(x) }")
    assert [row.output for row in rows] == [(1, 4), (1, 4)]


class Zigzag(nn.Module):
    """Strides, dilation, average pooling and a residual sum, all weights positive so that nothing cancels."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.b = nn.Conv2d(2, 2, 3, dilation=2, padding=2)
        self.c = nn.Conv2d(2, 2, (1, 5), padding=(0, 2))
        for parameter in self.parameters():
            nn.init.ones_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, 1, 64, 64) to (B, 2, 16, 16)."""
        x = torch.relu(self.a(x))
        x = torch.relu(self.b(x)) + x
        x = nn.functional.avg_pool2d(x, 2)
        y: Tensor = self.c(x)
        return y


def test_receptive_fields_are_where_gradients_reach(onnx_of: Callable[[GraphBlueprint], Path]) -> None:
    """The input pixels that PyTorch's gradient of one central output reaches span exactly the window."""
    network = Zigzag().eval()
    graph = OnnxGraph.read(onnx_of(GraphBlueprint(network, (InputSpec("x", "float32", ("batch", 1, 64, 64)),), ("y",))))
    x = torch.ones(1, 1, 64, 64, requires_grad=True)
    network(x)[0, 0, 8, 8].backward()
    assert x.grad is not None
    rows, columns = x.grad[0, 0].nonzero(as_tuple=True)
    reached = (int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1)
    field = layers(graph, "batch")[-1].receptive_field
    assert isinstance(field, Window)
    assert field.size == reached


def test_alexnets_last_pooling_sees_195_pixels(alexnet: Path) -> None:
    """The figure of Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks, 2019."""
    rows = layers(OnnxGraph.read(alexnet), "batch")
    pooling = [row for row in rows if row.label.startswith("max pool")][-1]
    assert pooling.receptive_field == Window((195, 195), (32, 32))
    assert pooling.output == (256, 6, 6)


def test_alexnets_first_layer_is_64_filters_of_3_by_11_by_11(alexnet: Path) -> None:
    """As the lecture says; its side is (224 + 2·2 − 11)/4 + 1 = 55."""
    first = layers(OnnxGraph.read(alexnet), "batch")[1]
    assert (first.label, first.weights, first.output) == (
        "conv, 64 filters, K 11, P 2, S 4",
        ((64, 3, 11, 11),),
        (64, 55, 55),
    )
