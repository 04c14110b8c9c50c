"""Weights that come with podium: half precision in `weights/`, with the figures measured on them and their tokens.

They are trained once by `python -m podium_export.recipes.train NAME`; making the model only exports them.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from podium_export.architecture import Blueprint
from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Published, Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.package import Destination
from podium_export.progress import Progress

WEIGHTS = Path(__file__).parent / "weights"
"""The folder of the weights."""

_FIGURES = "evaluations"
_VOCABULARY = "vocabulary"

Describe = Callable[[nn.Module, Blueprint], Blueprint]
"""Adds to what a network's architecture says of it."""
SayTokens = Callable[[pb.Generation, Sequence[str]], None]
"""Says in a manifest which tokens of a vocabulary a network reads and writes, and how it writes."""


def _no_more(_network: nn.Module, blueprint: Blueprint) -> Blueprint:
    return blueprint


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """The weights of one bundled model.

    Attributes:
        name: the file's name: the model's, and "-" and the version where there are several.
        architecture: what `podium export` calls the network.
        description: a sentence or two for people.
    """

    name: str
    architecture: str
    description: str

    def file(self, folder: Path = WEIGHTS) -> Path:
        """Give the file's path."""
        return folder / f"{self.name}.safetensors"

    def store(
        self,
        network: nn.Module,
        evaluations: Sequence[pb.Evaluation],
        folder: Path = WEIGHTS,
        *,
        vocabulary: Sequence[str] = (),
    ) -> Path:
        """Write the weights, what was measured on them and the tokens they know; the same ones give the same file."""
        figures = [json_format.MessageToDict(figure, preserving_proto_field_name=True) for figure in evaluations]
        tensors = {
            key: tensor.detach().half().contiguous()
            for key, tensor in sorted(network.state_dict().items())
            if tensor.is_floating_point()
        }
        file = self.file(folder)
        written = {_FIGURES: json.dumps(figures)} | ({_VOCABULARY: json.dumps(list(vocabulary))} if vocabulary else {})
        save_file(tensors, file, written)
        file.chmod(0o644)  # safetensors lets nobody else read it
        return file

    def evaluations(self, folder: Path = WEIGHTS) -> list[pb.Evaluation]:
        """Read what was measured on the weights."""
        return [json_format.ParseDict(figure, pb.Evaluation()) for figure in self._read(_FIGURES, folder)]

    def vocabulary(self, folder: Path = WEIGHTS) -> list[str]:
        """Read the tokens that a network which writes knows, less those that no text has."""
        return [str(token) for token in self._read(_VOCABULARY, folder)]

    def network(self, folder: Path = WEIGHTS) -> nn.Module:
        """Build the network, in evaluation mode."""
        return fit_architecture(ARCHITECTURES[self.architecture], load_checkpoint(self.file(folder))).network

    def make(self, destination: Destination, progress: Progress, describe: Describe = _no_more) -> Published:
        """Export the weights, with their figures.

        Args:
            destination: where the package goes.
            progress: told what is being done.
            describe: says what this model's architecture cannot know.

        Raises:
            ExportError: what stopped it; nothing is published then.
        """
        destination.check()
        progress.step("Reading the weights")
        checkpoint = load_checkpoint(self.file())
        architecture = ARCHITECTURES[self.architecture]
        network = fit_architecture(architecture, checkpoint).network
        blueprint = replace(architecture.blueprint(network), description=self.description)
        return export_network(
            describe(network, blueprint),
            Source(self.architecture, checkpoint.file_name, checkpoint.sha256),
            destination,
            progress=progress,
            evaluations=self.evaluations(),
        )

    def make_writer(self, destination: Destination, progress: Progress, say_tokens: SayTokens) -> Published:
        """Export the weights of a network that writes, as `make`, with the tokens that are stored beside them."""

        def with_tokens(_network: nn.Module, blueprint: Blueprint) -> Blueprint:
            assert blueprint.generation is not None
            generation = pb.Generation()
            generation.CopyFrom(blueprint.generation)
            say_tokens(generation, self.vocabulary())
            return replace(blueprint, generation=generation)

        return self.make(destination, progress, with_tokens)

    def _read(self, key: str, folder: Path) -> list[Any]:
        with safe_open(self.file(folder), framework="pt") as opened:
            found: list[Any] = json.loads(opened.metadata().get(key, "[]"))
        return found


def rounded(network: nn.Module) -> nn.Module:
    """Round weights to what half precision can hold, in place: what is measured is then what is stored."""
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())
    return network
