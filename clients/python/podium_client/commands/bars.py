"""Classes and texts with their probabilities, as bars in a terminal."""

from rich.table import Table
from rich.text import Text

from podium_client.answers import Classification
from podium_client.commands.text_report import visible
from podium_client.sequences import GeneratedSequences

_WIDTH = 24


def bars_table(result: Classification) -> Table:
    """Draw a row for each class: probability, bar, label, and its logit where there are logits."""
    table = Table.grid(padding=(0, 1, 0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for score in result.classes:
        logit = "" if result.logits is None else f"{result.logits[score.index]:.4f}"
        name, probability = Text(visible(score.name)), f"{score.probability:7.2%}"
        table.add_row(probability, bar(score.probability), name, Text(logit, style="dim"))
    return table


def sequences_table(answer: GeneratedSequences) -> Table:
    """Draw a row for each text that was written: probability, bar, text."""
    table = Table.grid(padding=(0, 1, 0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sequence in answer:
        table.add_row(_percent(sequence.probability), bar(sequence.probability), Text(visible(sequence.text)))
    return table


def _percent(probability: float) -> str:
    """Write a probability of a whole text, which may be far below what two decimals show."""
    return f"{probability:7.2%}" if probability >= 1e-4 or not probability else f"{probability:7.0e}"


def bar(fraction: float, width: int = _WIDTH) -> Text:
    """Draw a fraction of 0 ... 1 to half a character."""
    halves = round(max(0.0, min(fraction, 1.0)) * width * 2)
    filled = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return Text(filled, style="cyan").append(" " * (width - len(filled)))
