"""Server-Timing, as W3C writes it."""

from podium_client.load.server_timing import read_server_timing


def test_durations_are_read_by_name() -> None:
    """Durations are milliseconds; other parameters are passed over."""
    header = 'total;dur=4.25, cache;desc="Cache Read";dur=23.2,run;dur=2'
    assert read_server_timing(header) == {"total": 4.25, "cache": 23.2, "run": 2.0}


def test_entries_without_a_duration_are_left_out() -> None:
    """The W3C's own example of a bare name, and no header at all."""
    assert read_server_timing("missedCache") == {}
    assert read_server_timing("") == {}
