"""How callers may name a model, and what is no name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium_server.errors import InvalidArgument
from podium_server.model_ref import MAX_VERSION, NAME, ModelRef, parse_ref, parse_version


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("lenet5", ModelRef("lenet5")),
        ("lenet5/3", ModelRef("lenet5", version=3)),
        ("lenet5@stable", ModelRef("lenet5", alias="stable")),
        ("efficientnet-lite0/12", ModelRef("efficientnet-lite0", version=12)),
        ("A.b_c-d", ModelRef("A.b_c-d")),
        (f"m/{MAX_VERSION}", ModelRef("m", version=MAX_VERSION)),
        ("a" * 100, ModelRef("a" * 100)),
    ],
)
def test_three_forms_are_read(text: str, ref: ModelRef) -> None:
    """A name, a name with a version, a name with an alias."""
    assert parse_ref(text) == ref


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "/", "@", "a/", "a@", "/3", "@stable", "a/b", "a/3/4", "a@b/3", "a/3@b", "a@@b", "a/0", "a/-1", "a/+1",
        "a/1.0", "a/1e3", "a/ 1", "a/٣", "a/²", "a b", "a\n", ".a", "-a", "ü", "a" * 101, "../a", "a\0",
        f"a/{MAX_VERSION + 1}", "a/" + "9" * 5_000, "a@" + "b" * 101,
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_the_field(text: str) -> None:
    """The message names the field and shows what was sent, cut to a line."""
    with pytest.raises(InvalidArgument) as refusal:
        parse_ref(text, "model_name")
    assert refusal.value.field_path == "model_name"
    assert refusal.value.message.startswith("`model_name` ")
    assert len(refusal.value.message) < 500


@given(st.text())
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    """Any text is read or refused; what is read is written back the same."""
    try:
        ref = parse_ref(text)
    except InvalidArgument:
        return
    assert NAME.fullmatch(ref.name)
    if ref.version is None:
        assert text == (f"{ref.name}@{ref.alias}" if ref.alias else ref.name)
    else:
        assert int(text.removeprefix(f"{ref.name}/")) == ref.version


@pytest.mark.parametrize("text", ["1", "007", str(MAX_VERSION)])
def test_versions_are_whole_numbers(text: str) -> None:
    """Zeros in front change nothing, as in the inference protocol."""
    assert parse_version(text, "version") == int(text)
