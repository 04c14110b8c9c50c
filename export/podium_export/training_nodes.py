"""Refuses a written graph whose nodes behave as in training, or draw random numbers."""

from collections.abc import Iterator

import onnx
from onnx import numpy_helper

from podium_export.errors import NetworkError, TrainingMode
from podium_export.frozen import constants_of, nodes_of

_RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")


def refuse_training_nodes(model: onnx.ModelProto, name: str) -> None:
    """Look at every node, those of loop bodies too.

    Raises:
        TrainingMode: names the first Dropout or BatchNormalization in training mode.
        NetworkError: names the first node that draws random numbers.
    """
    for node in _training_nodes(model):
        raise TrainingMode(
            f'graph "{name}": node "{node.name}" ({node.op_type}) is in training mode: its answer would depend on '
            "chance or on the other rows of a batch. Export the network in eval() mode."
        )
    for node in nodes_of(model.graph):
        if node.op_type in _RANDOM:
            raise NetworkError(
                f'graph "{name}": node "{node.name}" ({node.op_type}) draws random numbers: the same request must '
                "give the same answer. Make the noise an input of the graph."
            )


def _training_nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    constants = dict(constants_of(model.graph))
    for node in nodes_of(model.graph):
        if node.op_type == "BatchNormalization":
            if any(attribute.name == "training_mode" and attribute.i for attribute in node.attribute):
                yield node
        elif node.op_type == "Dropout" and len(node.input) > 2 and node.input[2]:
            switch = constants.get(node.input[2])
            if switch is None or numpy_helper.to_array(switch).any():
                yield node
