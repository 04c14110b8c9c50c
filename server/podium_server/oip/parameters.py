"""The parameters of a request: which are understood, which are passed over, which are refused.

Unknown parameters are passed over: clients send their own. Names that begin with `triton_` are the protocol's, so an
unknown one is an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium_server.errors import InvalidArgument
from podium_server.oip.messages import InferParameter

EMPTY_FINAL_RESPONSE = "triton_enable_empty_final_response"

# The kinds that a parameter may have, by its name; others may have any.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "priority": ("int64_param", "uint64_param"),
    "timeout": ("int64_param",),
    "sequence_id": ("int64_param", "string_param"),
    "sequence_start": ("bool_param",),
    "sequence_end": ("bool_param",),
    EMPTY_FINAL_RESPONSE: ("bool_param",),
}


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What a request's parameters ask for.

    Attributes:
        priority: 1 (most urgent) and up; 0 for the usual one.
        timeout_s: seconds that it may wait for a session; None for any.
        flag_final: whether the caller wants its last answer marked, as decoupled models' are.
    """

    priority: int = 0
    timeout_s: float | None = None
    flag_final: bool = False


_DEFAULTS = RequestOptions()


def read_options(parameters: Mapping[str, InferParameter]) -> RequestOptions:
    """Read a request's parameters.

    Raises:
        InvalidArgument: one has the wrong kind or a negative value, or is a `triton_` one that does not exist.
    """
    if not parameters:
        return _DEFAULTS
    for name, parameter in parameters.items():
        _check(name, parameter)
    timeout_us = _integer(parameters, "timeout")
    return RequestOptions(
        priority=_integer(parameters, "priority"),
        timeout_s=timeout_us / 1e6 if timeout_us else None,
        flag_final=EMPTY_FINAL_RESPONSE in parameters and parameters[EMPTY_FINAL_RESPONSE].bool_param,
    )


def _check(name: str, parameter: InferParameter) -> None:
    path = f"parameters[{name[:100]!r}]"
    kinds = _KINDS.get(name)
    if kinds is None:
        if name.startswith("triton_"):
            raise InvalidArgument(
                f"parameter '{name[:100]}' begins with 'triton_', which is reserved, and is not one of the protocol's: "
                f"there is {EMPTY_FINAL_RESPONSE}",
                path,
            )
        return
    kind = parameter.WhichOneof("parameter_choice")
    if kind not in kinds:
        raise InvalidArgument(f"parameter '{name}' must be {' or '.join(kinds)}, got {kind or 'none'}", path)


def _integer(parameters: Mapping[str, InferParameter], name: str) -> int:
    """An integer of 0 or more; 0 when absent."""
    if name not in parameters:
        return 0
    parameter = parameters[name]
    value = parameter.uint64_param or parameter.int64_param
    if value < 0:
        raise InvalidArgument(f"parameter '{name}' must be 0 or more, got {value}", f"parameters[{name!r}]")
    return value
