"""Settings of security: what must be set together, and what each may be."""

from pathlib import Path

import pytest
from podium_server.load_settings import SettingsError, load_settings


def mistakes(repository: Path, **environ: str) -> list[str]:
    """The text of every mistake."""
    with pytest.raises(SettingsError) as raised:
        load_settings({"repository": str(repository)}, {f"PODIUM_{name}": value for name, value in environ.items()})
    return [problem.text for problem in raised.value.problems]


def test_a_certificate_and_its_key_are_set_together(tmp_path: Path) -> None:
    """One alone is a server that somebody believes to speak TLS."""
    (text,) = mistakes(tmp_path, TLS_CERTIFICATE="a.crt")
    assert text.endswith("tls-certificate and tls-key must both be set, or neither")
    (text,) = mistakes(tmp_path, TLS_KEY="a.key")
    assert text.startswith("tls-key: a.key from environment PODIUM_TLS_KEY")


def test_callers_can_show_a_certificate_only_over_tls(tmp_path: Path) -> None:
    """A client CA alone would ask nobody for anything."""
    (text,) = mistakes(tmp_path, TLS_CLIENT_CA="ca.crt")
    assert "tls-certificate and tls-key must be set too" in text


def test_memory_for_requests_holds_the_largest_message(tmp_path: Path) -> None:
    """Otherwise it could never be admitted."""
    (text,) = mistakes(tmp_path, MAX_REQUEST_MEMORY_BYTES="1MiB")
    assert "the second must be at most the first, or such a message could never be admitted" in text
    (text,) = mistakes(tmp_path, MAX_REQUEST_MEMORY_BYTES="100MiB", WORKERS="2")
    share = 50 * 2**20
    assert f"the second must be at most a worker's share of the first, {share}, or such a message could never" in text
    environ = {"PODIUM_MAX_REQUEST_MEMORY_BYTES": "4GiB"}
    assert load_settings({"repository": str(tmp_path)}, environ).max_request_memory_bytes == 4 * 2**30


def test_files_of_a_settings_file_lie_beside_it(tmp_path: Path) -> None:
    """As other paths there do."""
    file = tmp_path / "podium.toml"
    file.write_text('tls-certificate = "tls.crt"\ntls-key = "tls.key"\ntokens = "tokens"\n')
    settings = load_settings({"repository": str(tmp_path)}, {}, file)
    assert (settings.tls_certificate, settings.tls_key) == (tmp_path / "tls.crt", tmp_path / "tls.key")
    assert settings.tokens == tmp_path / "tokens"


def test_the_variable_of_the_commands_token_is_no_mistake(tmp_path: Path) -> None:
    """Who calls a server from a shell may start one there too."""
    assert load_settings({"repository": str(tmp_path)}, {"PODIUM_TOKEN": "podium_x"}).tokens is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAX_RATE_PER_CLIENT", "0", "must be above 0, at most 1000000 a second"),
        ("MAX_CALLS_PER_CLIENT", "0", "must be a whole number, 1 … 1000000"),
        ("MAX_QUEUE_S", "-1", "must be above 0, at most 86400 seconds"),
        ("MAX_REQUEST_MEMORY_BYTES", "much", "must be 1 … 1099511627776 bytes, or such as 2GiB"),
    ],
)
def test_a_limit_that_is_none_is_named(tmp_path: Path, name: str, value: str, words: str) -> None:
    """With what would be right."""
    (text,) = mistakes(tmp_path, **{name: value})
    assert text.endswith(words)
