"""`podium bundle`: makes the bundled models that a repository does not have yet."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from podium_export.errors import ExportError
from podium_export.progress import Progress, on_terminal
from podium_export.recipes import RECIPES, Recipe


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one version.

    Attributes:
        recipe: how it is made.
        version: which one.
        folder: where it is, if it is there.
        remark: "made in 12 s", "was there", or why it could not be made.
        failed: whether it could not be made.
    """

    recipe: Recipe
    version: int
    folder: Path
    remark: str
    failed: bool = False


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.Choice(list(RECIPES)))
@click.option(
    "--repository",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of all models; made if it is missing.",
)
def bundle(names: Sequence[str], repository: Path) -> None:
    """Make the bundled models that are not in the repository yet: all of them, or those named."""
    recipes = [RECIPES[name] for name in dict.fromkeys(names)] or list(RECIPES.values())
    outcomes = list(make_missing(recipes, repository))
    Console().print(outcome_table(outcomes))
    failures = [outcome for outcome in outcomes if outcome.failed]
    if failures:
        raise click.ClickException("\n".join(f"{o.recipe.name}: {o.remark}" for o in failures))


def make_missing(recipes: Sequence[Recipe], repository: Path) -> Iterator[Outcome]:
    """Make each version that is not there; one that fails does not keep the others from being made."""
    for recipe in recipes:
        for version in recipe.versions:
            folder = repository / recipe.name / str(version)
            if (folder / "model.json").is_file():
                yield Outcome(recipe, version, folder, "was there")
            else:
                yield _make(recipe, version, folder, repository)


@dataclass(frozen=True, slots=True)
class _Named:
    """Progress that says which model a step belongs to."""

    name: str
    inner: Progress

    def step(self, doing: str) -> None:
        """Begin a step."""
        self.inner.step(f"[bold]{self.name}[/]: {doing[0].lower()}{doing[1:]}")

    def detail(self, text: str) -> None:
        """Say what the step is at."""
        self.inner.detail(text)


def _make(recipe: Recipe, version: int, folder: Path, repository: Path) -> Outcome:
    started = time.monotonic()
    try:
        with on_terminal() as progress:
            named = _Named(recipe.name, progress)
            if "torch" not in sys.modules:
                named.step("Loading PyTorch")
            from podium_export.package import Destination

            recipe.make(Destination(repository, recipe.name, version), named)
    except ExportError as error:
        return Outcome(recipe, version, folder, str(error), failed=True)
    return Outcome(recipe, version, folder, f"made in {time.monotonic() - started:.0f} s")


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """Show what is there now: name, version, size, measured figure, and what was done."""
    table = Table(title="bundled models", title_justify="left", title_style="bold")
    for title in ("name", "version", "size", "figure", ""):
        table.add_column(title, justify="right" if title in {"version", "size"} else "left")
    for outcome in outcomes:
        remark = "[red]not made[/]" if outcome.failed else outcome.remark
        size, figure = ("", "") if outcome.failed else (_size(outcome.folder), _figure(outcome.folder))
        table.add_row(outcome.recipe.name, str(outcome.version), size, figure, remark)
    return table


def _size(folder: Path) -> str:
    num_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{num_bytes / 1e6:.1f} MB"


def _figure(folder: Path) -> str:
    from podium_export.inspection.opened import read_manifest
    from podium_export.inspection.wording import evaluation_words

    return "; ".join(evaluation_words(e) for e in read_manifest(folder).evaluations)
