"""Which class a caller means."""

import pytest
from podium.v1 import image_service_pb2 as wire
from podium_server.errors import InvalidArgument
from podium_server.pictures.classes import Classes


def test_a_name_wins_over_an_index() -> None:
    """JointVAE's choices are not in the digits' order: "7" is the class of that name, not the seventh."""
    classes = Classes(4, ["2", "7", "1", "choice 3"])
    assert classes.index_of(wire.ClassCondition(name="7")) == 1
    assert classes.index_of(wire.ClassCondition(name="1")) == 2
    assert classes.index_of(wire.ClassCondition(index=1)) == 1


def test_digits_that_are_no_name_are_an_index() -> None:
    """A command line cannot tell the two apart."""
    assert Classes(4, ["zero", "one", "two", "three"]).index_of(wire.ClassCondition(name="3")) == 3
    assert Classes(4, []).index_of(wire.ClassCondition(name="0")) == 0


@pytest.mark.parametrize("name", ["4", "-1", "³", "99999999999999999999999", "1.0", ""])
def test_what_is_neither_is_refused_with_the_classes(name: str) -> None:
    """The message lists what there is."""
    with pytest.raises(InvalidArgument, match="the classes are 0 … 3: zero, one, two, three"):
        Classes(4, ["zero", "one", "two", "three"]).index_of(wire.ClassCondition(name=name))
