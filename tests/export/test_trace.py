"""Conversion keeps declared axes dynamic, or says which node holds the length."""

import logging
import re
import warnings

import onnx
import pytest
from onnx import TensorProto, helper
from podium_export.architecture import GraphBlueprint, InputSpec
from podium_export.errors import FrozenAxis, NetworkError, TrainingMode
from podium_export.frozen import frozen_nodes, nodes_of, strip_notes
from podium_export.trace import trace
from podium_export.training_nodes import refuse_training_nodes
from torch import Tensor, nn

from tests.export.networks import affine_graph, data_dependent, frozen_time_graph, step_graph, unrolled


def _axes(model: onnx.ModelProto) -> dict[str, list[str | int]]:
    return {
        port.name: [axis.dim_param or axis.dim_value for axis in port.type.tensor_type.shape.dim]
        for port in (*model.graph.input, *model.graph.output)
    }


def test_names_inputs_outputs_and_axes() -> None:
    """The graph bears the blueprint's names, and every dynamic axis is dynamic in it."""
    assert _axes(trace(step_graph()).model) == {
        "token": ["batch", "time"],
        "h": ["batch", 16],
        "c": ["batch", 16],
        "logits": ["batch", 65],
        "next_h": ["batch", 16],
        "next_c": ["batch", 16],
    }


def test_a_size_read_from_the_input_stays_dynamic() -> None:
    """int(x.shape[0]) is no reason to refuse."""

    def reshaped(x: Tensor, y: Tensor) -> Tensor:
        return y.reshape(int(x.shape[0]), -1)

    assert _axes(trace(affine_graph(reshaped)).model)["y"] == ["batch", 8]


def test_a_loop_over_the_batch_is_found_in_the_graph() -> None:
    """The report names the axis, the node with so many inputs, and the line that loops."""
    said = r'fixes the length of axis "batch" \(traced at 37\).*\n.*\(Concat\): 37 inputs.*networks\.py, line \d+'
    with pytest.raises(FrozenAxis, match=said):
        trace(affine_graph(unrolled))


def test_a_choice_by_a_value_is_explained() -> None:
    """What PyTorch calls data-dependent is said in the user's words, with the line, without its own advice."""
    with pytest.raises(
        NetworkError, match=r"networks\.py(.|\n)*depends on the values of a tensor(.|\n)*torch\.where"
    ) as caught:
        trace(affine_graph(data_dependent))
    assert "TORCH_LOGS" not in str(caught.value)


def test_a_frozen_length_is_found_in_the_graph() -> None:
    """A Reshape that holds the traced length of time is named with its constant and its line."""
    traced = trace(frozen_time_graph())
    (node,) = frozen_nodes(traced.model, traced.lengths["time"], "time")
    assert re.search(
        rf'\(Reshape\): constant "[^"]+" = \[.*{traced.lengths["time"]}.*\]; from networks\.py, line \d+', node
    )


@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU])
def test_recurrent_layers_after_one_another_stay_dynamic(layer: type[nn.LSTM | nn.GRU]) -> None:
    """The converter takes the length of what comes out of the first for fixed, and would hold it in a Reshape."""

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = layer(8, 8, batch_first=True), layer(8, 8, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.second(self.first(x)[0])[0]
            return y

    traced = trace(GraphBlueprint(Two(), (InputSpec("x", "float32", ("batch", "time", 8)),), ("y",)))
    assert _axes(traced.model) == {"x": ["batch", "time", 8], "y": ["batch", "time", 8]}
    assert frozen_nodes(traced.model, traced.lengths["time"], "time") == []


def test_tracing_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of the converter's own chatter reaches the terminal, and its logging is put back."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trace(affine_graph())
        with pytest.raises(NetworkError):
            trace(affine_graph(data_dependent))
    assert caught == []
    assert capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == logging.NOTSET


def test_notes_of_the_source_are_stripped() -> None:
    """A published graph tells nothing of the paths and the code of whoever exported it."""
    model = trace(affine_graph()).model
    assert b"networks.py" in model.SerializeToString()
    strip_notes(model)
    written = model.SerializeToString()
    assert b"networks.py" not in written
    assert b"/" + b"site-packages" not in written


def _model(*nodes: onnx.NodeProto) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])
    ratio = helper.make_tensor("ratio", TensorProto.FLOAT, [], [0.5])
    on = helper.make_tensor("on", TensorProto.BOOL, [], [True])
    off = helper.make_tensor("off", TensorProto.BOOL, [], [False])
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], [ratio, on, off]))


def test_refuses_a_node_in_training_mode() -> None:
    """Dropout that drops and batch normalization over the batch are named; the same nodes at rest pass."""
    refuse_training_nodes(_model(helper.make_node("Dropout", ["x", "ratio", "off"], ["y"], name="rest")), "model")
    with pytest.raises(TrainingMode, match=r'node "drop" \(Dropout\) is in training mode'):
        refuse_training_nodes(_model(helper.make_node("Dropout", ["x", "ratio", "on"], ["y"], name="drop")), "model")
    norm = helper.make_node("BatchNormalization", list("xabcd"), ["y"], name="norm", training_mode=1)
    with pytest.raises(TrainingMode, match=r'graph "encoder": node "norm" \(BatchNormalization\)'):
        refuse_training_nodes(_model(norm), "encoder")


def test_refuses_a_node_that_draws_random_numbers() -> None:
    """Noise from inside cannot be given again."""
    with pytest.raises(NetworkError, match=r'node "noise" \(RandomNormalLike\) draws random numbers'):
        refuse_training_nodes(_model(helper.make_node("RandomNormalLike", ["x"], ["y"], name="noise")), "model")


def test_looks_into_loop_bodies() -> None:
    """A node inside the body of a Loop is looked at like any other."""
    body = helper.make_graph([helper.make_node("Dropout", ["x", "ratio", "on"], ["z"], name="inner")], "body", [], [])
    model = _model(helper.make_node("Loop", ["", ""], ["y"], name="loop", body=body))
    assert [node.name for node in nodes_of(model.graph)] == ["loop", "inner"]
    with pytest.raises(TrainingMode, match="inner"):
        refuse_training_nodes(model, "model")


def test_a_second_recurrent_network_is_traced_like_the_first() -> None:
    """One process may trace many: encoder and step of a package, or one after the other."""
    for _ in range(2):
        assert _axes(trace(step_graph()).model)["token"] == ["batch", "time"]
