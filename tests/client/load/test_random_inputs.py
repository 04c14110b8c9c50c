"""Random inputs fit what the manifest declares."""

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2, tensor_pb2
from podium_client.errors import InvalidArgumentError
from podium_client.load.random_inputs import random_inputs
from podium_server.elements import BY_PROTO

BATCH = tensor_pb2.Dimension(axis="batch")
TIME = tensor_pb2.Dimension(axis="time")


def a_graph(element_type: tensor_pb2.ElementType, *shape: tensor_pb2.Dimension) -> model_manifest_pb2.Graph:
    spec = tensor_pb2.TensorSpec(name="x", element_type=element_type, shape=shape)
    return model_manifest_pb2.Graph(name="model", inputs=[spec])


@pytest.mark.parametrize("element_type", [number for number in BY_PROTO if number != tensor_pb2.ELEMENT_TYPE_STRING])
def test_every_element_type_has_its_name_and_its_size(element_type: tensor_pb2.ElementType) -> None:
    """The protocol's name is the server's, and the bytes are the product of the shape times the element's size."""
    element = BY_PROTO[element_type]
    graph = a_graph(element_type, BATCH, tensor_pb2.Dimension(size=3))
    (tensor,) = random_inputs(graph, {"batch": 4}, seed=0)
    assert (tensor.datatype, tensor.shape) == (element.oip, (4, 3))
    assert len(tensor.data) == 4 * 3 * element.dtype.itemsize
    assert np.isfinite(np.frombuffer(tensor.data, element.dtype).astype(np.float64)).all()


def test_strings_carry_their_length() -> None:
    """Each string is four bytes of length and its own bytes."""
    (tensor,) = random_inputs(a_graph(tensor_pb2.ELEMENT_TYPE_STRING, BATCH), {"batch": 2}, seed=0)
    assert (tensor.datatype, tensor.data) == ("BYTES", b"\x06\0\0\0podium" * 2)


def test_axes_that_nobody_named_are_one() -> None:
    """A request is one row, one step, unless told otherwise; a scalar has one element."""
    graph = a_graph(tensor_pb2.ELEMENT_TYPE_INT64, BATCH, TIME)
    assert random_inputs(graph, {"time": 7}, seed=0)[0].shape == (1, 7)
    assert len(random_inputs(a_graph(tensor_pb2.ELEMENT_TYPE_FLOAT32), {}, seed=0)[0].data) == 4


def test_the_seed_decides() -> None:
    """The same seed gives the same bytes, another seed gives others."""
    graph = a_graph(tensor_pb2.ELEMENT_TYPE_FLOAT32, tensor_pb2.Dimension(size=9))
    assert random_inputs(graph, {}, seed=1) == random_inputs(graph, {}, seed=1)
    assert random_inputs(graph, {}, seed=1) != random_inputs(graph, {}, seed=2)


def test_an_axis_that_is_not_there_is_named() -> None:
    """A misspelt axis is refused with those that there are."""
    with pytest.raises(InvalidArgumentError, match=r"'tiem' is no dynamic axis .*\(batch, time\)"):
        random_inputs(a_graph(tensor_pb2.ELEMENT_TYPE_INT64, BATCH, TIME), {"tiem": 3}, seed=0)
