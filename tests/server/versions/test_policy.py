"""Which versions are served, in an operator's words."""

import pytest
from podium_server.versions.policy import Policy, parse_policy


@pytest.mark.parametrize(
    ("text", "policy", "among"),
    [
        ("all", Policy(), [12, 3, 2, 1]),
        ("latest", Policy(newest=1), [12, 3, 2, 1]),
        ("latest:2", Policy(newest=2), [12, 3, 2, 1]),
        ("listed:1,3", Policy(listed=frozenset({1, 3})), [3, 1]),
        ("listed: 12 , 4", Policy(listed=frozenset({4, 12})), [12]),
    ],
)
def test_words_are_read(text: str, policy: Policy, among: list[int]) -> None:
    """The newest come first, whatever order they were found in; numbers that are not there are no harm."""
    assert parse_policy(text) == policy
    assert policy.among([1, 12, 3, 2]) == among


@pytest.mark.parametrize(
    "text",
    ["", "1", "1,3", "latest:0", "latest:-1", "latest:02", "listed", "listed:", "listed:0", "listed:1,", "ALL", 2],
)
def test_other_words_are_refused(text: object) -> None:
    """A bare number could mean the newest so many, or the one of that number."""
    with pytest.raises(ValueError, match="must be all, latest, latest:N with N 1 or more, or listed:N,N"):
        parse_policy(text)


@pytest.mark.parametrize("text", ["all", "latest:2", "listed:1,3"])
def test_policy_is_written_as_it_is_read(text: str) -> None:
    """What stands in a model's file stays when the file is written again."""
    assert str(parse_policy(text)) == text
    assert parse_policy(parse_policy(text)) == parse_policy(text)
