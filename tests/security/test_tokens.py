"""Tokens as they lie in a file: read, found, changed while a server runs, made by a command."""

import hashlib
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from podium_server.security.token_command import token
from podium_server.security.tokens import (
    CHECK_EVERY_S,
    Scope,
    TokenFile,
    TokenFileError,
    entry_of,
    find,
    make_token,
    parse,
)


def line(name: str, secret: str, *scopes: Scope) -> str:
    """A line of a token file."""
    return f"{entry_of(name, frozenset(scopes or (Scope.CALL,)), secret)}\n"


def test_a_line_is_name_scopes_and_the_sha256_of_the_token() -> None:
    """Anybody can make one with other tools."""
    digest = hashlib.sha256(b"podium_x").hexdigest()
    assert line("bench", "podium_x", Scope.METRICS, Scope.CALL) == f"bench call,metrics sha256:{digest}\n"


def test_a_token_is_found_by_its_hash_and_nothing_else_is() -> None:
    """Each of the file, and none beside it."""
    secrets = {name: make_token() for name in ("a", "b", "c")}
    entries = parse("# who may call\n\n" + "".join(line(name, secret) for name, secret in secrets.items()))
    for name, secret in secrets.items():
        client = find(entries, secret)
        assert client is not None
        assert client.name == name
        for wrong in (secret[:-1], secret + "a", secret.upper(), "", "\udcff"):
            assert find(entries, wrong) is None


def test_tokens_are_of_256_bits_and_never_the_same() -> None:
    """43 characters of six bits each hold them."""
    made = {make_token() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {len("podium_") + 43}


def test_admin_may_do_everything_and_the_others_their_own() -> None:
    """Scopes are not a ladder but for admin."""
    (call, metrics, admin) = (entry_of("x", frozenset({scope}), "s").client for scope in Scope)
    assert [call.may(scope) for scope in Scope] == [True, False, False]
    assert [metrics.may(scope) for scope in Scope] == [False, True, False]
    assert all(admin.may(scope) for scope in Scope)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bench call", "line 1 has 2 words; must be NAME SCOPE"),
        ("# fine\nbench calls sha256:" + 64 * "0", "line 2: there is no scope 'calls'; there are call, metrics, admin"),
        ("bench call podium_secret", "line 1: the third word must be sha256: and 64 hexadecimal digits"),
        ("bench call sha256:" + 63 * "0", "line 1: the third word must be sha256:"),
        ("b/x call sha256:" + 64 * "0", "line 1: the name must be of letters"),
        (64 * "b" + " call sha256:" + 64 * "0", "line 1: the name must be of letters"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, words: str) -> None:
    """By number, with what would be right; the token itself is not repeated."""
    file = tmp_path / "tokens"
    file.write_text(text)
    with pytest.raises(TokenFileError) as refusal:
        TokenFile(file)
    assert words in str(refusal.value)
    assert "podium_secret" not in str(refusal.value)


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), (b"", "has no token"), (b"\xff", "codec")])
def test_a_file_that_would_lock_everybody_out_stops_the_start(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    """Missing, empty, not text."""
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(TokenFileError, match=words):
        TokenFile(file)


def test_the_file_is_looked_at_once_a_second(tmp_path: Path) -> None:
    """A line added or taken away counts from then on; a broken file changes nothing; an empty one locks all out."""
    file = tmp_path / "tokens"
    file.write_text(line("old", "old"))
    tokens, now = TokenFile(file), 100.0
    assert tokens.find("old", now) is not None
    file.write_text(line("old", "old") + line("new", "new"))
    assert tokens.find("new", now + CHECK_EVERY_S / 2) is None
    assert tokens.find("new", now := now + CHECK_EVERY_S) is not None
    file.write_text("junk")
    assert tokens.find("new", now := now + CHECK_EVERY_S) is not None
    file.write_text("")
    assert tokens.find("new", now := now + CHECK_EVERY_S) is None
    file.write_text(line("back", "back"))
    assert tokens.find("back", now + CHECK_EVERY_S) is not None


def test_the_command_prints_a_token_once_and_keeps_its_hash(tmp_path: Path) -> None:
    """The file gets a line that the server reads, is for its owner alone, and has no token in it."""
    file = tmp_path / "tokens"
    made: list[str] = []
    for name, scope in (("bench", "call"), ("ops", "admin")):
        result = CliRunner().invoke(token, [name, "--scope", scope, "--file", str(file)])
        assert (result.exit_code, result.stderr) == (0, "")
        made.append(result.stdout.strip())
    entries = parse(file.read_text())
    assert [find(entries, each).name for each in made] == ["bench", "ops"]  # type: ignore[union-attr]
    assert not any(each in file.read_text() for each in made)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_file_the_line_goes_to_standard_error() -> None:
    """Standard output has the token alone, for a pipe into a secret store."""
    result = CliRunner().invoke(token, ["bench", "--scope", "call", "--scope", "metrics"])
    secret = result.stdout.strip()
    assert secret.startswith("podium_")
    assert line("bench", secret, Scope.CALL, Scope.METRICS) in result.stderr


def test_a_line_is_added_after_a_last_line_without_an_end(tmp_path: Path) -> None:
    """Editors that leave the last line open do not glue two lines together."""
    file = tmp_path / "tokens"
    file.write_text(line("old", "old").rstrip())
    assert CliRunner().invoke(token, ["new", "--scope", "call", "--file", str(file)]).exit_code == 0
    assert [entry.client.name for entry in parse(file.read_text())] == ["old", "new"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a b", "--scope", "call"], "must be of letters"),
        (["a"], "--scope"),
        (["a", "--scope", "all"], "'all' is not one of 'call', 'metrics', 'admin'"),
    ],
)
def test_a_wrong_command_line_makes_nothing(arguments: list[str], words: str) -> None:
    """Exit status 2, and what would be right."""
    result = CliRunner().invoke(token, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
