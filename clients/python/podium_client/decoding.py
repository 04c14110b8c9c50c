"""How tokens are chosen one after another: the keywords that every call which writes takes."""

from collections.abc import Sequence
from typing import TypedDict

from podium.v1 import decoding_pb2

from podium_client.arguments import not_negative, positive, text, whole
from podium_client.errors import InvalidArgumentError


class DecodingOptions(TypedDict, total=False):
    """How tokens are chosen; what is not given, or None, is the model's default.

    In this order: repetition penalty, temperature, top-k, top-p; then a token is drawn.

    Attributes:
        temperature: below 1 bolder, above 1 more varied, at most 100; 0: always the most probable token.
        top_k: draw from the k most probable tokens alone; 0: from all.
        top_p: draw from the most probable tokens that have this probability together, above 0 … 1; 1: from all.
        repetition_penalty: above 1, what is there already comes less often; above 0 … 100; 1: no penalty.
        max_tokens: the most tokens to write, 1 or more.
        stop: a text, or at most 16, that end a sequence where they first appear, and are not part of it.
        num_beams: hypotheses of beam search, 1 … 16; 1: no beam search.
        length_penalty: beam search ranks by the log-probability over the length to this power, 0 … 10.
    """

    temperature: float | None
    top_k: int | None
    top_p: float | None
    repetition_penalty: float | None
    max_tokens: int | None
    stop: str | Sequence[str] | None
    num_beams: int | None
    length_penalty: float | None


def decoding_message(
    *,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    repetition_penalty: float | None = None,
    max_tokens: int | None = None,
    stop: str | Sequence[str] | None = None,
    num_beams: int | None = None,
    length_penalty: float | None = None,
) -> decoding_pb2.Decoding:
    """Write how tokens are chosen; see `DecodingOptions`.

    Raises:
        InvalidArgumentError: one of the values cannot be meant.
    """
    return decoding_pb2.Decoding(
        temperature=None if temperature is None else not_negative(temperature, "temperature"),
        top_k=None if top_k is None else whole(top_k, "top_k", 0),
        top_p=None if top_p is None else positive(top_p, "top_p", 1),
        repetition_penalty=None if repetition_penalty is None else positive(repetition_penalty, "repetition_penalty"),
        max_tokens=None if max_tokens is None else whole(max_tokens, "max_tokens", 1),
        num_beams=None if num_beams is None else whole(num_beams, "num_beams", 1),
        length_penalty=None if length_penalty is None else not_negative(length_penalty, "length_penalty"),
        stop=[] if stop is None else _stop_texts(stop),
    )


def _stop_texts(stop: str | Sequence[str]) -> list[str]:
    listed = [("stop", stop)] if isinstance(stop, str | bytes) else [(f"stop[{n}]", t) for n, t in enumerate(stop)]
    for field, each in listed:
        if not text(each, field):
            raise InvalidArgumentError(f"{field}: an empty text ends everything at once; leave it out", field=field)
    return [each for _, each in listed]
