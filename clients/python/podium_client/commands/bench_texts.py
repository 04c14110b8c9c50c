"""What `podium bench --prompt` tells: tokens a second, and what a reader waits for."""

from typing import Any

from rich.table import Table

from podium_client.commands.bench_calls import counts
from podium_client.load.text_streams import TextLoad, TextsMeasured


def text_figures(load: TextLoad, measured: TextsMeasured) -> dict[str, Any]:
    """Tell what was measured, for programs."""
    num_tokens = measured.num_tokens
    return {
        "model": measured.metadata.model,
        "version": measured.metadata.version,
        "request": f"StreamGenerate, {load.max_tokens} tokens at most",
        "streams": load.streams,
        "seconds": measured.seconds,
        "tokens_per_s": measured.tokens_per_s,
        "texts_per_s": measured.num_texts / measured.seconds,
        "first_token_p50_ms": measured.first_token_ms(50),
        "first_token_p99_ms": measured.first_token_ms(99),
        "between_tokens_p50_ms": measured.between_tokens_ms(50),
        "between_tokens_p99_ms": measured.between_tokens_ms(99),
        "errors": measured.errors,
        "generator_cpu_s_per_1000": 1e3 * measured.generator_cpu_s / num_tokens if num_tokens else None,
    }


def text_table(figures: dict[str, Any]) -> Table:
    """Draw the same for people."""
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("texts side by side", f"{figures['streams']:,}")
    table.add_row("tokens/s", f"{figures['tokens_per_s']:,.0f}")
    table.add_row("tokens/s of each", f"{figures['tokens_per_s'] / figures['streams']:,.0f}")
    table.add_row("texts/s", f"{figures['texts_per_s']:,.1f}")
    for name, what in (("first_token", "to the first token"), ("between_tokens", "between tokens, a text's mean")):
        for percent in (50, 99):
            table.add_row(f"{what}, p{percent}", f"{figures[f'{name}_p{percent}_ms']:.2f} ms")
    table.add_row("errors", counts(figures["errors"]) or "none")
    return table
