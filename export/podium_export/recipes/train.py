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


@dataclass(frozen=True, slots=True)
class _Place:
    module: str

    def load(self) -> Trainable:
        return cast("Trainable", import_module(f"podium_export.recipes.{self.module}"))


TRAINABLE: Mapping[str, _Place] = MappingProxyType(
    {"digits-vae": _Place("digits_vae"), "digits-gan": _Place("digits_gan"), "denoiser": _Place("denoiser")}
)
"""The models whose weights come with podium."""


@click.command()
@click.argument("name", type=click.Choice(list(TRAINABLE)))
def train(name: str) -> None:
    """Train a model whose weights come with podium, measure it, and replace the stored weights: a few minutes."""
    from podium_export.inspection.wording import evaluation_words
    from podium_export.progress import on_terminal
    from podium_export.recipes.stored_weights import rounded

    recipe = TRAINABLE[name].load()
    with on_terminal() as progress:
        network = rounded(recipe.train(progress))
        progress.step("Measuring")
        evaluations = recipe.evaluate(network)
    file = recipe.STORED.store(network, evaluations)
    for evaluation in evaluations:
        click.echo(evaluation_words(evaluation))
    click.echo(f"stored {file} ({file.stat().st_size / 1e6:.2f} MB)")


if __name__ == "__main__":
    train()
