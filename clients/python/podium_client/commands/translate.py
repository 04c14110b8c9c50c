"""`podium translate`: texts in another language, or another spelling."""

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from podium_client.commands.bars import sequences_table
from podium_client.commands.decoding_options import (
    decoding_options,
    num_best_option,
    replace_unknown_option,
    text_seed_option,
)
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.text_report import answer_record, sequence_record, standard_input, tell, visible
from podium_client.decoding import DecodingOptions
from podium_client.sequences import GeneratedSequences

_TEXTS_A_CALL = 64


@click.command()
@click.argument("model")
@click.argument("texts", nargs=-1)
@num_best_option(1)
@decoding_options
@text_seed_option
@replace_unknown_option
@server_options
@timeout_option
@json_option
@shows_errors
def translate(
    *,
    model: str,
    texts: tuple[str, ...],
    num_best: int,
    decoding: DecodingOptions,
    seed: int | None,
    replace_unknown: bool,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Translate texts.

    MODEL is a name, name/version or name@alias. Without TEXTS, each line of standard input is one. One translation
    of each is printed as a line; several are shown with their probabilities. Empty texts stay empty.
    """
    sources = texts or tuple(_lines())
    console = Console(highlight=False)
    answers: list[GeneratedSequences | None] = []
    with server.client(timeout) as client:
        for start in range(0, len(sources), _TEXTS_A_CALL):
            part = sources[start : start + _TEXTS_A_CALL]
            given = [text for text in part if text]
            told = iter(
                client.translate(
                    model, given, num_best=num_best, seed=seed, replace_unknown=replace_unknown, **decoding
                )
                if given
                else []
            )
            answered = [next(told) if text else None for text in part]
            answers += answered
            if not as_json:
                _print(part, answered, num_best, console)
    if as_json:
        click.echo(json.dumps(_records(sources, answers), indent=2))
        return
    first = next((answer for answer in answers if answer), None)
    if first is not None and first.metadata.seed is not None:
        tell(first.metadata)


def _lines() -> list[str]:
    text = standard_input("nothing to translate: give TEXTS, or lines on standard input")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _print(
    sources: Sequence[str], answers: Sequence[GeneratedSequences | None], num_best: int, console: Console
) -> None:
    for source, answer in zip(sources, answers, strict=True):
        if num_best > 1 and answer:
            console.print(Text(visible(source), style="bold"), soft_wrap=True)
            console.print(sequences_table(answer))
        else:
            text = answer.text if answer else ""
            click.echo(visible(text) if console.is_terminal else text)


def _records(sources: Sequence[str], answers: Sequence[GeneratedSequences | None]) -> list[dict[str, Any]]:
    return [
        {"text": source, "translations": [sequence_record(sequence) for sequence in answer or ()]}
        | (answer_record(answer.metadata, answer.usage) if answer else {})
        for source, answer in zip(sources, answers, strict=True)
    ]
