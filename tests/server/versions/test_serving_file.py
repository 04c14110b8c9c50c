"""A model's file of decisions: read strictly, written whole."""

import json
from pathlib import Path

import pytest
from podium_server.versions.policy import Policy
from podium_server.versions.route import Route, Share
from podium_server.versions.serving_file import SERVING, Serving, ServingFileError, read_serving, write_serving

DECIDED = Serving(
    Policy(newest=2),
    {"default": Route(3), "stable": Route(3, canary=Share(4, 12.5), shadow=Share(5, 100))},
)


def test_without_a_file_nothing_is_decided(tmp_path: Path) -> None:
    """Most models have none."""
    assert read_serving(tmp_path) == Serving()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Over an older one, with nothing left beside it."""
    write_serving(tmp_path, Serving(None, {"old": Route(1)}))
    write_serving(tmp_path, DECIDED)
    assert read_serving(tmp_path) == DECIDED
    assert [path.name for path in tmp_path.iterdir()] == [SERVING]


def test_people_may_write_it(tmp_path: Path) -> None:
    """Every field may be absent, and a percentage may be whole."""
    content = {"aliases": {"stable": {"version": 3, "canary": {"version": 4, "percent": 10}}}}
    (tmp_path / SERVING).write_text(json.dumps(content))
    assert read_serving(tmp_path) == Serving(None, {"stable": Route(3, canary=Share(4, 10.0))})
    (tmp_path / SERVING).write_text('{"versions": "listed:1,3"}')
    assert read_serving(tmp_path) == Serving(Policy(listed=frozenset({1, 3})))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ('{"aliases": ', "is not JSON"),
        ("[]", "serving.json is list; it must be an object"),
        ('{"alias": {}}', "serving.json has a field 'alias'; there are aliases, versions"),
        ('{"versions": "newest"}', "`versions` is 'newest': must be all"),
        ('{"aliases": {"a b": {"version": 1}}}', "`aliases` names 'a b'"),
        ('{"aliases": {"3": {"version": 1}}}', "`aliases` names '3'"),
        ('{"aliases": {"stable": 3}}', "`aliases.stable` is int; it must be an object"),
        ('{"aliases": {"stable": {}}}', "`aliases.stable.version` is None: versions are integers of 1 or more"),
        ('{"aliases": {"stable": {"version": "3"}}}', "`aliases.stable.version` is '3'"),
        ('{"aliases": {"stable": {"version": 0}}}', "`aliases.stable.version` is 0"),
        ('{"aliases": {"stable": {"version": true}}}', "`aliases.stable.version` is True"),
        ('{"aliases": {"s": {"version": 1, "canary": {"version": 2}}}}', "`aliases.s.canary.percent` is None"),
        (
            '{"aliases": {"s": {"version": 1, "canary": {"version": 2, "percent": 101}}}}',
            "`aliases.s.canary.percent` is 101: give a number above 0, at most 100",
        ),
        ("[" * 100_000, "is not JSON"),
        (" " * 2**20 + "{}", "has more than 1048576 bytes"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    """The field, its value, and what would be right."""
    (tmp_path / SERVING).write_text(text)
    with pytest.raises(ServingFileError) as error:
        read_serving(tmp_path)
    assert says in str(error.value)


def test_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk or a lost connection: nothing of the new one is there."""
    write_serving(tmp_path, DECIDED)

    def fail(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_serving(tmp_path, Serving())
    assert read_serving(tmp_path) == DECIDED
    assert [path.name for path in tmp_path.iterdir()] == [SERVING]
