"""A request's parameters: understood, passed over, or refused."""

import pytest
from podium_server.errors import InvalidArgument
from podium_server.oip.messages import InferParameter
from podium_server.oip.parameters import RequestOptions, read_options


def test_no_parameters_ask_for_nothing() -> None:
    """The usual priority, no limit of time, no flag."""
    assert read_options({}) == RequestOptions(priority=0, timeout_s=None, flag_final=False)


def test_parameters_are_read() -> None:
    """Microseconds become seconds; tritonclient sends priority as uint64 and timeout as int64."""
    options = read_options(
        {
            "priority": InferParameter(uint64_param=3),
            "timeout": InferParameter(int64_param=250_000),
            "triton_enable_empty_final_response": InferParameter(bool_param=True),
        }
    )
    assert options == RequestOptions(priority=3, timeout_s=0.25, flag_final=True)


def test_priority_may_be_signed() -> None:
    """Other clients send it as int64."""
    assert read_options({"priority": InferParameter(int64_param=2)}).priority == 2


def test_a_timeout_of_zero_is_none() -> None:
    """tritonclient's documentation: 0 is no limit."""
    assert read_options({"timeout": InferParameter(int64_param=0)}).timeout_s is None


def test_what_is_unknown_is_passed_over() -> None:
    """Callers may send parameters of their own, and those of sequences say nothing to a stateless graph."""
    options = read_options(
        {
            "seed": InferParameter(int64_param=7),
            "note": InferParameter(string_param="x"),
            "temperature": InferParameter(double_param=0.5),
            "sequence_id": InferParameter(string_param="s"),
            "sequence_start": InferParameter(bool_param=True),
            "binary_data_output": InferParameter(bool_param=True),
            "empty": InferParameter(),
        }
    )
    assert options == RequestOptions()


def test_the_flag_that_the_cpp_client_always_sends_is_no_offence() -> None:
    """perf_analyzer sends it as false on every call."""
    assert not read_options({"triton_enable_empty_final_response": InferParameter(bool_param=False)}).flag_final


@pytest.mark.parametrize(
    ("name", "parameter", "message"),
    [
        ("triton_other", InferParameter(int64_param=1), "'triton_other' begins with 'triton_', which is reserved"),
        ("priority", InferParameter(string_param="1"), "must be int64_param or uint64_param, got string_param"),
        ("priority", InferParameter(int64_param=-1), "'priority' must be 0 or more, got -1"),
        ("priority", InferParameter(), "must be int64_param or uint64_param, got none"),
        ("timeout", InferParameter(uint64_param=1), "must be int64_param, got uint64_param"),
        ("timeout", InferParameter(int64_param=-5), "'timeout' must be 0 or more, got -5"),
        ("sequence_id", InferParameter(bool_param=True), "must be int64_param or string_param, got bool_param"),
        ("sequence_start", InferParameter(int64_param=1), "must be bool_param, got int64_param"),
        ("sequence_end", InferParameter(string_param="1"), "must be bool_param, got string_param"),
        ("triton_enable_empty_final_response", InferParameter(int64_param=1), "must be bool_param, got int64_param"),
    ],
)
def test_wrong_kinds_and_values_are_refused(name: str, parameter: InferParameter, message: str) -> None:
    """The message names the parameter and the kind that would be right."""
    with pytest.raises(InvalidArgument, match=message) as refusal:
        read_options({name: parameter})
    assert refusal.value.field_path == f"parameters['{name}']"
