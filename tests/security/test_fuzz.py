"""A short attack in every run of the tests; the long one is `python -m tests.security.fuzz`."""

from click.testing import CliRunner

from tests.security.fuzz.__main__ import main


def test_mutated_requests_of_every_rpc_leave_the_server_healthy() -> None:
    """Every call ends with a documented code, none with a fault of the server's, and nothing is left behind."""
    result = CliRunner().invoke(main, ["--calls", "1500", "--seed", "3"])
    assert result.exit_code == 0, result.output
    assert "0 faults" in result.output
