"""`podium score`: how probable a model finds texts."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from podium_client.commands.decoding_options import replace_unknown_option
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.scored_tokens import painted, tokens_table
from podium_client.commands.text_report import answer_record, standard_input, visible
from podium_client.sequences import TextScore
from podium_client.sheets.answers import note


@dataclass(frozen=True, slots=True)
class Named:
    """A text, and what it is called in the answer: its file's name, or its own beginning."""

    name: str
    text: str


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--text", "texts", metavar="TEXT", multiple=True, help="Score this; may be given several times.")
@click.option("--tokens", is_flag=True, help="Show what each token costs.")
@replace_unknown_option
@server_options
@timeout_option
@json_option
@shows_errors
def score(
    *,
    model: str,
    files: tuple[Path, ...],
    texts: tuple[str, ...],
    tokens: bool,
    replace_unknown: bool,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Say how probable a model finds texts: nats a token and perplexity, lower is likelier.

    MODEL is a name, name/version or name@alias. FILES are texts in UTF-8, - is standard input, which is scored too
    where neither files nor --text are given.
    """
    given = _given(files, texts)
    with server.client(timeout) as client:
        scores = client.score(model, [each.text for each in given], tokens=tokens, replace_unknown=replace_unknown)
    if as_json:
        records = [_record(each, score) for each, score in zip(given, scores, strict=True)]
        click.echo(json.dumps(records, indent=2))
        return
    console = Console(highlight=False)
    console.print(Text(note(scores[0].metadata), style="dim"), soft_wrap=True)
    if tokens:
        for each, of_text in zip(given, scores, strict=True):
            _print_tokens(each, of_text, console)
    console.print(scores_table([each.name for each in given], scores))


def _given(files: Sequence[Path], texts: Sequence[str]) -> list[Named]:
    if not files and not texts:
        what = "nothing to score: give FILES, --text, or a text on standard input"
        return [Named("standard input", standard_input(what))]
    return [*map(_read, files), *(Named(" ".join(text.split()), text) for text in texts)]


def _read(file: Path) -> Named:
    if str(file) == "-":
        return Named("standard input", standard_input("-: nothing is written to standard input"))
    try:
        return Named(str(file), file.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file}: not UTF-8: byte {error.start} is {error.reason}") from error
    except FileNotFoundError as error:
        raise click.UsageError(
            f"there is no file {str(file)!r}; to score these words themselves, use --text"
        ) from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from error


def scores_table(names: Sequence[str], scores: Sequence[TextScore]) -> Table:
    """Draw a row for each text, the likeliest marked where there are several."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("text", style="bold", overflow="fold")
    for name in ("nats/token", "perplexity", "log-likelihood", "tokens"):
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    likeliest = min(scores, key=lambda score: score.nats_per_token)
    for name, score in zip(names, scores, strict=True):
        style = "green" if len(scores) > 1 and score is likeliest else ""
        table.add_row(
            Text(visible(name)),
            Text(f"{score.nats_per_token:.3f}", style=style),
            Text(f"{score.perplexity:,.2f}", style=style),
            f"{score.log_likelihood:,.1f}",
            f"{score.num_tokens:,}",
        )
    return table


def _print_tokens(given: Named, score: TextScore, console: Console) -> None:
    tokens = score.tokens or ()
    if console.is_terminal and console.color_system and not console.no_color:
        console.print(painted(tokens), soft_wrap=True)
    else:
        console.print(Text(visible(given.name), style="bold"), soft_wrap=True)
        console.print(tokens_table(tokens))


def _record(given: Named, score: TextScore) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": given.name,
        "nats_per_token": score.nats_per_token,
        "perplexity": score.perplexity,
        "log_likelihood": score.log_likelihood,
        "num_tokens": score.num_tokens,
    }
    if score.tokens is not None:
        record["tokens"] = [dataclasses.asdict(token) for token in score.tokens]
    return {**record, **answer_record(score.metadata, score.usage)}
