"""`podium generate`: a text continued, and shown as it is written."""

import json
from collections.abc import Callable

import click
from rich.console import Console
from rich.text import Text

from podium_client.commands.decoding_options import decoding_options, replace_unknown_option, text_seed_option
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.text_report import answer_record, sequence_record, standard_input, tell, visible
from podium_client.decoding import DecodingOptions
from podium_client.sequences import SequencePiece
from podium_client.text_stream import TextStream


@click.command()
@click.argument("model")
@click.option(
    "--prompt", metavar="TEXT", help="The text to continue.  [default: standard input, less its last newline]"
)
@decoding_options
@click.option("-n", "--num-sequences", type=click.IntRange(min=1), default=1, show_default=True, help="Texts to write.")
@text_seed_option
@replace_unknown_option
@server_options
@timeout_option
@json_option
@shows_errors
def generate(
    *,
    model: str,
    prompt: str | None,
    decoding: DecodingOptions,
    num_sequences: int,
    seed: int | None,
    replace_unknown: bool,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Continue a text, and show it as it is written.

    MODEL is a name, name/version or name@alias. The text goes to standard output, and the seed, by which it can be
    written again, to standard error. Ctrl-C ends the writing.
    """
    given = _from_standard_input() if prompt is None else prompt
    console = Console(highlight=False)
    with server.client(timeout) as client:
        if as_json:
            answer = client.complete(
                model, given, seed=seed, num_sequences=num_sequences, replace_unknown=replace_unknown, **decoding
            )
            told = {"prompt": given, "sequences": [sequence_record(sequence) for sequence in answer]}
            click.echo(json.dumps({**answer_record(answer.metadata, answer.usage), **told}, indent=2))
            return
        stream = client.generate(
            model, given, seed=seed, num_sequences=num_sequences, replace_unknown=replace_unknown, **decoding
        )
        _show(stream, num_sequences, given, console)


def _from_standard_input() -> str:
    text = standard_input("nothing to continue: give --prompt, or write it to standard input")
    return text.removesuffix("\n").removesuffix("\r")


class InTurn:
    """Puts sequences that are written side by side one after another.

    The first that has not ended is written as it comes, what comes of later ones when it is their turn.

    Args:
        num_sequences: how many there are.
        begin: called with each one's number before its text.
        write: called with parts of its text.
    """

    def __init__(self, num_sequences: int, begin: Callable[[int], None], write: Callable[[str], None]) -> None:
        self._waiting: list[list[str]] = [[] for _ in range(num_sequences)]
        self._ended = [False] * num_sequences
        self._begin, self._write = begin, write
        self._turn = 0
        self._begun = False

    def take(self, piece: SequencePiece) -> None:
        """Write what may be written now."""
        self._waiting[piece.sequence].append(piece.text)
        self._ended[piece.sequence] = piece.finish_reason is not None
        if not self._begun:
            self._begin(0)
            self._begun = True
        self._flush()
        while self._ended[self._turn] and self._turn + 1 < len(self._waiting):
            self._turn += 1
            self._begin(self._turn)
            self._flush()

    def _flush(self) -> None:
        self._write("".join(self._waiting[self._turn]))
        self._waiting[self._turn].clear()


def _show(stream: TextStream, num_sequences: int, prompt: str, console: Console) -> None:
    """Write the texts of a stream, and who wrote them, also where that is cut short."""

    def begin(sequence: int) -> None:
        if num_sequences > 1:
            end = "\n" if sequence else ""
            console.print(Text(f"{end}── {sequence + 1} of {num_sequences}", style="bold"), soft_wrap=True)
        if console.is_terminal:
            console.print(Text(visible(prompt), style="dim"), end="", soft_wrap=True)

    def write(text: str) -> None:
        click.echo(visible(text) if console.is_terminal else text, nl=False)

    in_turn, begun = InTurn(num_sequences, begin, write), False
    try:
        for piece in stream:
            begun = True
            in_turn.take(piece)
    finally:
        if begun:
            click.echo()
            tell(stream.metadata, *_how_it_ended(stream))


def _how_it_ended(stream: TextStream) -> list[str]:
    reasons = stream.finish_reasons
    if None in reasons:
        return ["cut short"]
    usage = stream.usage
    reason = ", ".join(dict.fromkeys(reason for reason in reasons if reason))
    return [f"{reason} after {usage.num_output_tokens:,} tokens", f"{usage.tokens_per_s:,.0f} tokens/s"]
