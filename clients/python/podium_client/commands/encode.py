"""`podium encode`: the latents of pictures."""

import dataclasses
import json
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.text import Text

from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_options import class_option, file_type
from podium_client.picture_requests import ClassLike
from podium_client.pictures import Posterior
from podium_client.sheets.answers import note


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=file_type)
@class_option
@server_options
@timeout_option
@json_option
@shows_errors
def encode(
    *,
    model: str,
    files: tuple[Path, ...],
    condition: ClassLike | None,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Find the latents of pictures.

    MODEL is a name, name/version or name@alias. FILES are PNG, JPEG or WebP files. Of a variational autoencoder the
    mean is shown with its standard deviation, and the nats between posterior and prior.
    """
    with server.client(timeout) as client:
        posteriors = client.encode(model, list(files), condition=condition)
    if as_json:
        records = [_record(file, posterior) for file, posterior in zip(files, posteriors, strict=True)]
        click.echo(json.dumps(records, indent=2))
        return
    console = Console(highlight=False)
    for file, posterior in zip(files, posteriors, strict=True):
        title = Text(str(file), style="bold").append(f"  {note(posterior.metadata)}", style="not bold dim")
        if posterior.log_variance is not None:
            title.append(f" · {posterior.kl_nats:.1f} nats", style="not bold dim")
        console.print(title, soft_wrap=True)
        console.print(Text("  ".join(_numbers(posterior))))


def _numbers(posterior: Posterior) -> list[str]:
    if posterior.log_variance is None:
        return [f"{value:+.3f}" for value in posterior.mean]
    deviations = np.exp(0.5 * posterior.log_variance)
    return [f"{mean:+.2f}±{spread:.2f}" for mean, spread in zip(posterior.mean, deviations, strict=True)]


def _record(file: Path, posterior: Posterior) -> dict[str, object]:
    return {
        "file": str(file),
        "mean": [float(value) for value in posterior.mean],
        "log_variance": None if posterior.log_variance is None else [float(value) for value in posterior.log_variance],
        "kl_nats": posterior.kl_nats,
        "metadata": dataclasses.asdict(posterior.metadata),
    }
