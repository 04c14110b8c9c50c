"""`python -m podium_export.recipes.train NAME`: trains a model whose weights come with podium, and stores them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podium.v1 import model_manifest_pb2
    from torch import nn

    from podium_export.progress import Progress
    from podium_export.recipes.stored_weights import StoredWeights


class Trainable(Protocol):
    """What the file of such a recipe must define."""

    STORED: "StoredWeights"

    def train(self, progress: "Progress") -> "nn.Module":
        """Train from nothing; the same every time."""
        ...

    def evaluate(self, network: "nn.Module") -> "Sequence[model_manifest_pb2.Evaluation]":
        """Measure on what was not learned from."""
        ...


class TrainableWriter(Protocol):
    """What the file of a recipe must define whose network writes tokens."""

    VERSIONS: "Sequence[StoredWeights]"

    def train(self, progress: "Progress") -> "Sequence[nn.Module]":
        """Train from nothing, once for all versions; the same every time."""
        ...

    def vocabulary(self) -> "Sequence[str]":
        """Read the tokens from the data."""
        ...

    def evaluate(self, network: "nn.Module") -> "Sequence[model_manifest_pb2.Evaluation]":
        """Measure on what was not learned from."""
        ...


@dataclass(frozen=True, slots=True)
class _Place:
    """A recipe's file, as if its one network were a row of them."""

    module: str

    def stored(self) -> "Sequence[StoredWeights]":
        """Say where the weights of each version are."""
        return [self._load().STORED]

    def train(self, progress: "Progress") -> "Sequence[nn.Module]":
        """Train all versions."""
        return [self._load().train(progress)]

    def vocabulary(self) -> "Sequence[str]":
        """Give the tokens; none where the network writes none."""
        return ()

    def evaluate(self, network: "nn.Module") -> "Sequence[model_manifest_pb2.Evaluation]":
        """Measure one version."""
        return self._load().evaluate(network)

    def _load(self) -> Trainable:
        return cast("Trainable", import_module(f"podium_export.recipes.{self.module}"))


@dataclass(frozen=True, slots=True)
class _WriterPlace:
    """The file of a recipe whose network writes tokens."""

    module: str

    def stored(self) -> "Sequence[StoredWeights]":
        """Say where the weights of each version are."""
        return self._load().VERSIONS

    def train(self, progress: "Progress") -> "Sequence[nn.Module]":
        """Train all versions."""
        return self._load().train(progress)

    def vocabulary(self) -> "Sequence[str]":
        """Give the tokens."""
        return self._load().vocabulary()

    def evaluate(self, network: "nn.Module") -> "Sequence[model_manifest_pb2.Evaluation]":
        """Measure one version."""
        return self._load().evaluate(network)

    def _load(self) -> TrainableWriter:
        return cast("TrainableWriter", import_module(f"podium_export.recipes.{self.module}"))


TRAINABLE: Mapping[str, _Place | _WriterPlace] = MappingProxyType(
    {
        "digits-vae": _Place("digits_vae"),
        "digits-gan": _Place("digits_gan"),
        "denoiser": _Place("denoiser"),
        "spirals": _Place("spirals"),
        "shakespeare": _WriterPlace("shakespeare"),
        "captioner": _WriterPlace("captioner"),
        "translator": _WriterPlace("translator"),
        "motion": _Place("motion"),
    }
)
"""The models whose weights come with podium."""


@click.command()
@click.argument("name", type=click.Choice(list(TRAINABLE)))
def train(name: str) -> None:
    """Train a model whose weights come with podium, measure it, and replace the stored weights: minutes."""
    from podium_export.inspection.wording import evaluation_words
    from podium_export.progress import on_terminal
    from podium_export.recipes.stored_weights import rounded

    recipe = TRAINABLE[name]
    with on_terminal() as progress:
        networks = [rounded(network) for network in recipe.train(progress)]
        progress.step("Measuring")
        evaluations = [recipe.evaluate(network) for network in networks]
    for stored, network, measured in zip(recipe.stored(), networks, evaluations, strict=True):
        file = stored.store(network, measured, vocabulary=recipe.vocabulary())
        for evaluation in measured:
            click.echo(evaluation_words(evaluation))
        click.echo(f"stored {file} ({file.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    train()
