"""How the sequences of a request are written: what it asks for over the model's defaults over the usual.

Every value is checked, and a refusal names its field, the value and what would be right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from podium.v1 import decoding_pb2 as pb

from podium_server.errors import InvalidArgument
from podium_server.generation.job import Beams, Sampling
from podium_server.text.stops import StopTexts

MAX_SEQUENCES = 64
MAX_BEAMS = 16
MAX_STOPS = 16
MAX_STOP_LENGTH = 256
DEFAULT_MAX_TOKENS = 256

_Number: TypeAlias = int | float
_BOUNDS: Mapping[str, tuple[Callable[[_Number], bool], str]] = MappingProxyType(
    {
        "temperature": (lambda x: 0 <= x <= 100, "0 … 100"),
        "top_p": (lambda x: 0 < x <= 1, "above 0 and at most 1"),
        "repetition_penalty": (lambda x: 0 < x <= 100, "above 0 and at most 100"),
        "max_tokens": (lambda x: x >= 1, "1 or more"),
        "num_beams": (lambda x: 1 <= x <= MAX_BEAMS, f"1 … {MAX_BEAMS}"),
        "length_penalty": (lambda x: 0 <= x <= 10, "0 … 10"),
    }
)
# What beam search does not do, and the value that says so.
_OFF: Mapping[str, _Number] = MappingProxyType({"temperature": 0, "top_k": 0, "top_p": 1, "repetition_penalty": 1})


@dataclass(frozen=True, slots=True)
class Defaults:
    """What requests leave open.

    Attributes:
        decoding: the model's, checked by `check_decoding`.
        temperature: the usual one of the model's task.
    """

    decoding: pb.Decoding
    temperature: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many sequences a request wants of each start.

    Attributes:
        field: the request's field, such as "num_best".
        count: 1 or more.
        ranked: whether they are the best ones, so that several that are all alike make no sense.
    """

    field: str
    count: int
    ranked: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """How the sequences of a request are written.

    Attributes:
        method: how tokens are chosen.
        max_tokens: the most tokens of each, 1 or more.
        stops: what ends them; None: nothing does.
        count: sequences of each start, 1 or more.
    """

    method: Sampling | Beams
    max_tokens: int
    stops: StopTexts | None
    count: int

    @property
    def num_rows(self) -> int:
        """Sequences that are written side by side for each start, those that are given up included."""
        return self.method.num_beams if isinstance(self.method, Beams) else self.count

    @property
    def draws(self) -> bool:
        """Whether tokens are drawn, so that a seed matters."""
        return isinstance(self.method, Sampling) and self.method.temperature > 0


def check_decoding(decoding: pb.Decoding, field: str, max_tokens: int | None = None) -> None:
    """Check each value that is set.

    Args:
        decoding: a request's, or a manifest's.
        field: its path, such as "decoding".
        max_tokens: the most that a request may ask for; None: any number.

    Raises:
        InvalidArgument: a value is out of its bounds.
    """
    for name, (allows, must) in _BOUNDS.items():
        if decoding.HasField(name):
            value = getattr(decoding, name)
            _require(f"{field}.{name}", value, must, right=allows(value))
    if max_tokens is not None:
        right = decoding.max_tokens <= max_tokens
        _require(f"{field}.max_tokens", decoding.max_tokens, f"at most {max_tokens} on this server", right=right)
    if len(decoding.stop) > MAX_STOPS:
        message = f"{field}.stop: has {len(decoding.stop)} texts; must have at most {MAX_STOPS}"
        raise InvalidArgument(message, f"{field}.stop")
    for i, text in enumerate(decoding.stop):
        if not 1 <= len(text) <= MAX_STOP_LENGTH:
            path = f"{field}.stop[{i}]"
            message = f"{path}: has {len(text)} characters; must have 1 … {MAX_STOP_LENGTH}"
            raise InvalidArgument(message, path)


def choose(asked: pb.Decoding, defaults: Defaults, wanted: Wanted, max_tokens: int) -> Choices:
    """Resolve a request's decoding.

    Args:
        asked: what it says.
        defaults: what it leaves open.
        wanted: how many sequences.
        max_tokens: the most tokens of a sequence on this server.

    Raises:
        InvalidArgument: a value is out of its bounds, or several do not go together.
    """
    check_decoding(asked, "decoding", max_tokens)
    num_beams = _num_beams(asked, defaults, wanted)
    method = _beams(asked, defaults, num_beams, wanted) if num_beams > 1 else _sampling(asked, defaults, wanted)
    most = asked.max_tokens or defaults.decoding.max_tokens or DEFAULT_MAX_TOKENS
    stops = asked.stop or defaults.decoding.stop
    return Choices(method, min(most, max_tokens), StopTexts(stops) if stops else None, wanted.count)


def _num_beams(asked: pb.Decoding, defaults: Defaults, wanted: Wanted) -> int:
    """As many as are asked for, or the model's; where that leaves too few for the best ones wanted, so many."""
    if asked.HasField("num_beams"):
        return asked.num_beams
    usual = defaults.decoding.num_beams or 1
    searches = usual > 1 or (wanted.ranked and not _merged(asked, defaults).temperature)
    return max(usual, min(wanted.count, MAX_BEAMS)) if searches else usual


def _merged(asked: pb.Decoding, defaults: Defaults) -> pb.Decoding:
    """What beam search does not do, as the request says, or else the model, or else as is usual."""
    merged = pb.Decoding(temperature=defaults.temperature, top_p=1.0, repetition_penalty=1.0)
    for decoding in (defaults.decoding, asked):
        for name in _OFF:
            if decoding.HasField(name):
                setattr(merged, name, getattr(decoding, name))
    return merged


def _sampling(asked: pb.Decoding, defaults: Defaults, wanted: Wanted) -> Sampling:
    merged = _merged(asked, defaults)
    must = f"0 … {MAX_SEQUENCES}"
    _require(wanted.field, wanted.count, must, right=wanted.count <= MAX_SEQUENCES)
    if wanted.ranked and not merged.temperature:
        must = "0 or 1 where nothing is drawn; set decoding.num_beams, or a decoding.temperature above 0"
        _require(wanted.field, wanted.count, must, right=wanted.count == 1)
    return Sampling(
        merged.temperature, merged.top_k or None, merged.top_p if merged.top_p < 1 else None, merged.repetition_penalty
    )


def _beams(asked: pb.Decoding, defaults: Defaults, num_beams: int, wanted: Wanted) -> Beams:
    whose = ""
    if not asked.HasField("num_beams"):
        whose = ", the model's default" if num_beams == defaults.decoding.num_beams else f", as {wanted.field} needs"
    for name, off in _OFF.items():
        if asked.HasField(name):
            value = getattr(asked, name)
            must = f"left unset or {off} with beam search (num_beams is {num_beams}{whose}); set num_beams to 1 to draw"
            _require(f"decoding.{name}", value, must, right=value == off)
    must = (
        f"0 … {num_beams}, the number of beams" if asked.HasField("num_beams") else f"0 … {MAX_BEAMS} with beam search"
    )
    _require(wanted.field, wanted.count, must, right=wanted.count <= num_beams)
    decoding = asked if asked.HasField("length_penalty") else defaults.decoding
    return Beams(num_beams, decoding.length_penalty, wanted.count)


def _require(field: str, value: _Number, must: str, *, right: bool) -> None:
    if not right:
        raise InvalidArgument(f"{field}: is {value}; must be {must}", field)
