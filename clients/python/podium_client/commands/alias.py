"""`podium alias`: which version a name stands for."""

import dataclasses
import json

import click
from rich.console import Console

from podium_client.catalogue import Alias, Model, Share
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option

_percent = click.FloatRange(min=0, max=100, min_open=True)
_version = click.IntRange(min=1)


@click.command()
@click.argument("model")
@click.argument("name", required=False, metavar="[ALIAS]")
@click.argument("version", required=False, type=_version)
@click.option("--canary", metavar="VERSION", type=_version, help="A candidate that answers --percent of the calls.")
@click.option("--percent", type=_percent, help="How many of a hundred calls go to the canary.")
@click.option("--shadow", metavar="VERSION", type=_version, help="A candidate that gets copies, to be compared.")
@click.option("--shadow-percent", type=_percent, help="How many of a hundred calls are copied.  [default: 100]")
@click.option("--delete", is_flag=True, help="Take the alias away.")
@server_options
@timeout_option
@json_option
@shows_errors
def alias(
    *,
    model: str,
    name: str | None,
    version: int | None,
    canary: int | None,
    percent: float | None,
    shadow: int | None,
    shadow_percent: float | None,
    delete: bool,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Show, set or delete the aliases of a model.

    \b
    podium alias digits                                    shows them
    podium alias digits stable 3                           digits@stable is version 3
    podium alias digits default 3 --canary 4 --percent 10  of the calls of digits, a tenth goes to 4
    podium alias digits stable 3 --shadow 4                4 gets copies, and is compared
    podium alias digits stable --delete

    The alias "default" is what the bare name means; without it, that is the newest version. Setting an alias replaces
    all that was said of it. It lies with the model in the repository, and survives a restart.
    """  # noqa: D301  click's mark for lines that stay lines
    if delete:
        _check_alone(name, version, canary, percent, shadow, shadow_percent)
    else:
        _check_whole(model, name, version)
    candidate, copied = _share("--canary", canary, "--percent", percent), _copies(shadow, shadow_percent)
    if name is None and (candidate or copied):
        raise click.UsageError("--canary and --shadow: give ALIAS and VERSION too.")
    with server.client(timeout) as client:
        if delete:
            assert name is not None
            shown = client.delete_alias(model, name)
        elif name is not None and version is not None:
            shown = client.set_alias(model, name, version, canary=candidate, shadow=copied)
        else:
            shown = _find(client.models(), model)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in shown.aliases], indent=2))
        return
    _print(shown)


def _check_alone(name: str | None, *settings: float | None) -> None:
    if name is None or any(value is not None for value in settings):
        raise click.UsageError("--delete takes MODEL and ALIAS alone.")


def _check_whole(model: str, name: str | None, version: int | None) -> None:
    if (name is None) != (version is None):
        raise click.UsageError(f"Give a version: podium alias {model} {name} VERSION, or --delete.")


def _share(candidate: str, version: int | None, part: str, percent: float | None) -> Share | None:
    if (version is None) != (percent is None):
        raise click.UsageError(f"{candidate} and {part}: give both, or neither.")
    return Share(version, percent) if version is not None and percent is not None else None


def _copies(version: int | None, percent: float | None) -> Share | None:
    if version is None and percent is not None:
        raise click.UsageError("--shadow-percent: give --shadow too.")
    return Share(version, percent or 100.0) if version is not None else None


def _find(models: list[Model], name: str) -> Model:
    for model in models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in models) or "none"
    raise click.ClickException(f"the server has no model '{name}'; it has {known}")


def _print(model: Model) -> None:
    console = Console(highlight=False)
    if not any(each.name == "default" for each in model.aliases):
        newest = "no version answers" if model.default_version is None else f"{model.default_version}, the newest"
        console.print(f"{model.name}: {newest}", soft_wrap=True, markup=False)
    for each in model.aliases:
        console.print(describe(model.name, each), soft_wrap=True, markup=False)


def describe(model: str, alias: Alias) -> str:
    """Say where an alias's calls go, on one line."""
    name = model if alias.name == "default" else f"{model}@{alias.name}"
    line = f"{name}: {alias.version}"
    if alias.canary is not None:
        line += f", {alias.canary.percent:g} % to {alias.canary.version}"
    if alias.shadow is not None:
        line += f", {alias.shadow.percent:g} % copied to {alias.shadow.version}"
    return line
