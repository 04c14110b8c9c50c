"""Options of the commands that write: how tokens are chosen."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from podium_client.commands.picture_options import seed_option
from podium_client.decoding import DecodingOptions

T = TypeVar("T")

_COUNT = click.IntRange(min=1)

_OPTIONS = (
    click.option(
        "--max-tokens", type=_COUNT, help="The most tokens to write.  [default: the model's, as for the rest]"
    ),
    click.option(
        "--temperature",
        type=click.FloatRange(0),
        help="Below 1 bolder, above 1 more varied; 0: always the most probable token.",
    ),
    click.option("--top-k", type=click.IntRange(0), help="Draw from so many of the most probable tokens; 0: all."),
    click.option(
        "--top-p",
        type=click.FloatRange(0, 1, min_open=True),
        help="Draw from the most probable tokens that have this probability together; 1: all.",
    ),
    click.option(
        "--repetition-penalty",
        type=click.FloatRange(0, min_open=True),
        help="Above 1: what is there already comes less often; 1: none.",
    ),
    click.option("--stop", metavar="TEXT", multiple=True, help="End where this appears; may be given several times."),
    click.option("--num-beams", type=_COUNT, help="Hypotheses of beam search; 1: no beam search."),
    click.option(
        "--length-penalty",
        type=click.FloatRange(0),
        help="Beam search ranks by the log-probability over the length to this power.",
    ),
)

replace_unknown_option = click.option(
    "--replace-unknown",
    is_flag=True,
    help="Replace what is not in the model's vocabulary, or leave it out, instead of refusing it.",
)
text_seed_option = seed_option("--seed", text="Makes the same text again.  [default: a new one, which is told]")


def num_best_option(default: int) -> "Callable[[click.decorators.FC], click.decorators.FC]":
    """Make the option for how many are wanted of each; without --num-beams the server takes as many beams, at least."""
    text = "So many of each, best first."
    return click.option("--num-best", metavar="N", type=_COUNT, default=default, show_default=True, help=text)


def decoding_options(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options of how tokens are chosen, as its argument `decoding`."""

    @functools.wraps(command)
    def gathering(**values: Any) -> T:
        chosen = {name: values.pop(name) for name in DecodingOptions.__annotations__}
        return command(decoding=cast("DecodingOptions", chosen), **values)

    for option in reversed(_OPTIONS):
        gathering = option(gathering)
    return gathering
