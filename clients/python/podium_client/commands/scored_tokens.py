"""Tokens with what they cost: painted on the text itself, or as a table."""

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from podium_client.commands.bars import bar
from podium_client.commands.text_report import visible
from podium_client.sequences import ScoredToken

# From what the model expected to what surprised it: a probability down to which, and the background it is painted on.
_SCALE: tuple[tuple[float, str], ...] = (
    (0.5, ""),
    (0.2, "black on color(194)"),
    (0.05, "black on color(228)"),
    (0.01, "black on color(215)"),
    (0.0, "black on color(203)"),
)
_MOST_NATS = 8.0  # a full bar


def painted(tokens: Sequence[ScoredToken]) -> Text:
    """Paint a text by how much each token surprised the model, with the scale below it."""
    text = Text()
    for token in tokens:
        text.append(_shown(token.text, keep_line_ends=True), style=_style(token.probability))
    text.append("\n\nprobability ", style="dim")
    for place, (least, style) in enumerate(_SCALE):
        label = f" {least:.0%} and up " if least else f" below {_SCALE[place - 1][0]:.0%} "
        text.append(label, style=style or "dim").append(" ")
    return text.append("\n")


def tokens_table(tokens: Sequence[ScoredToken]) -> Table:
    """Draw a row for each token: its text, its probability, its nats with a bar."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("token", no_wrap=True)
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("nats", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for token in tokens:
        nats = -token.log_probability
        table.add_row(
            Text(_shown(token.text)), f"{token.probability:.2%}", f"{nats:.3f}", bar(min(nats / _MOST_NATS, 1))
        )
    return table


def _style(probability: float) -> str:
    if math.isnan(probability):
        return ""
    return next(style for least, style in _SCALE if probability >= least)


def _shown(text: str, *, keep_line_ends: bool = False) -> str:
    """Show white space that would not be seen."""
    line_end = "⏎\n" if keep_line_ends else "⏎"
    spaces = text if keep_line_ends else text.replace(" ", "␣")
    return visible(spaces.replace("\t", "⇥").replace("\n", line_end)) or "·"
