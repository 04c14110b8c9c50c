"""`podium models`: what a server serves, and how."""

import dataclasses
import json

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from podium_client.catalogue import ExecutionPlan, Model, ModelVersion, VersionState
from podium_client.commands.alias import describe
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option

_STYLE_BY_STATE = {
    VersionState.READY: "green",
    VersionState.LOADING: "yellow",
    VersionState.UNLOADING: "yellow",
    VersionState.UNAVAILABLE: "red",
    VersionState.DORMANT: "blue",
}


@click.command()
@server_options
@timeout_option
@json_option
@shows_errors
def models(server: Server, timeout: float, as_json: bool) -> None:
    """List a server's models: their versions, state, and how they are run.

    The version that a bare name means is marked with *. Of each graph: the most rows that one run takes, the
    sessions that run side by side, the threads of each, and the rows a second that this gave when measured. Aliases
    are shown below, with where their calls go.
    """
    with server.client(timeout) as client:
        listed = client.models()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(model) for model in listed], indent=2))
        return
    console = Console()
    if not listed:
        console.print(f"The server at {server.address} has no models: its repository is empty.")
        return
    console.print(models_table(listed))
    for model in listed:
        for alias in model.aliases:
            console.print(describe(model.name, alias), soft_wrap=True, markup=False)
    for model in listed:
        for version in model.versions:
            if version.reason and version.state is not VersionState.DORMANT:
                label = Text(f"{model.name}/{version.version}", style="bold red")
                console.print(label.append(f"  {version.reason}", style="not bold default"))


def models_table(listed: list[Model]) -> Table:
    """Draw a table with a row for each version, within 80 columns: long names and tasks are folded."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", style="bold", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("task", overflow="fold", min_width=len("classification"))
    table.add_column("runs on", no_wrap=True)
    table.add_column("batch ×\nsessions\n×threads", no_wrap=True)
    table.add_column("rows/s", justify="right", no_wrap=True)
    table.add_column("load", justify="right", no_wrap=True)
    for model in listed:
        for version in model.versions:
            table.add_row(*_cells(model, version))
    return table


def _cells(model: Model, version: ModelVersion) -> list[str | Text]:
    return [
        f"{model.name}/{version.version}{'*' if version.version == model.default_version else ''}",
        Text(version.state, style=_STYLE_BY_STATE.get(version.state, "")),
        "" if version.task == "unspecified" else version.task.replace("-", " "),
        version.execution_provider.removesuffix("ExecutionProvider"),
        "\n".join(_layout(plan, named=len(version.plans) > 1) for plan in version.plans),
        "\n".join(_rate(plan.rows_per_second) for plan in version.plans),
        f"{version.load_s:.2f} s" if version.load_s else "",
    ]


def _layout(plan: ExecutionPlan, *, named: bool) -> str:
    layout = f"{plan.max_batch_rows}×{plan.num_sessions}×{plan.num_threads}"
    return f"{layout} {plan.graph}" if named else layout


def _rate(rows_per_second: float) -> str:
    """Round a rate: beyond millions the digits say nothing."""
    if not rows_per_second:
        return "–"
    return f"{rows_per_second / 1e6:.1f} M" if rows_per_second >= 1e6 else f"{rows_per_second:,.0f}"
