"""Packages to look into, made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from podium_export.architecture import Blueprint, GraphBlueprint
from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Source
from podium_export.exporting import export_network
from podium_export.package import Destination
from podium_export.trace import trace


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with the lecture's LeNet-5, untrained, as `digits`."""
    folder = tmp_path_factory.mktemp("repository")
    torch.manual_seed(0)
    architecture = ARCHITECTURES["lenet5"]
    blueprint = architecture.blueprint(architecture.build({}).eval())
    source = Source("lenet5", "digits.pt", "ab" * 32)
    export_network(blueprint, source, Destination(folder, "digits"))
    return folder


@pytest.fixture(scope="session")
def onnx_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[GraphBlueprint], Path]:
    """Give what writes a graph as an ONNX file."""
    folder = tmp_path_factory.mktemp("onnx")

    def write(graph: GraphBlueprint) -> Path:
        path = folder / f"{len(list(folder.iterdir()))}.onnx"
        path.write_bytes(trace(graph).model.SerializeToString())
        return path

    return write


@pytest.fixture(scope="session")
def alexnet(onnx_of: Callable[[GraphBlueprint], Path]) -> Path:
    """Give AlexNet with narrow linear layers as an ONNX file: what is before them is of full size."""
    from podium_export.architectures.alexnet import AlexNet, AlexNetConfig

    network = AlexNet(AlexNetConfig(hidden=(8, 8), num_classes=5)).eval()
    blueprint: Blueprint = ARCHITECTURES["alexnet"].blueprint(network)
    return onnx_of(blueprint.graphs[0])
