"""The arithmetic of receptive fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium_export.inspection.receptive_field import Extent, Field, Window, joined


def stacked(layers: list[tuple[int, int, int]]) -> Field:
    """Give the field after square layers of (kernel, stride, dilation)."""
    field: Field = Window.pixel(2)
    for kernel, stride, dilation in layers:
        assert isinstance(field, Window)
        field = field.through([kernel] * 2, [stride] * 2, [dilation] * 2)
    return field


@given(num_layers=st.integers(1, 20), kernel=st.integers(1, 11))
def test_layers_with_stride_1_see_1_plus_l_times_k_minus_1(num_layers: int, kernel: int) -> None:
    """The lecture's formula."""
    side = 1 + num_layers * (kernel - 1)
    assert stacked([(kernel, 1, 1)] * num_layers) == Window((side, side), (1, 1))


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3), st.integers(1, 3)), min_size=1, max_size=8))
def test_strides_multiply_what_later_layers_add(layers: list[tuple[int, int, int]]) -> None:
    """A layer adds (K − 1)·D times the product of the strides before it."""
    side, product = 1, 1
    for kernel, stride, dilation in layers:
        side += (kernel - 1) * dilation * product
        product *= stride
    assert stacked(layers) == Window((side, side), (product, product))


def test_branches_take_the_largest() -> None:
    """A value made of two sees what either of them sees."""
    assert joined([Window((7, 3), (2, 1)), Window((5, 9), (2, 1))]) == Window((7, 9), (2, 1))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([Window((7, 7), (2, 2)), Extent.WHOLE], Extent.WHOLE),
        ([Extent.WHOLE, Extent.UNKNOWN], Extent.UNKNOWN),
        ([Window((7, 7), (2, 2)), Window((7,), (2,))], Extent.UNKNOWN),
    ],
)
def test_what_sees_everything_or_nothing_known_wins(fields: list[Field], expected: Field) -> None:
    """The whole is larger than any window; what is not known stays so."""
    assert joined(fields) is expected


def test_nothing_is_claimed_after_a_rearrangement() -> None:
    """When neighbours no longer are neighbours in the picture, a window over them has no known field."""
    window = Window((3, 3), (1, 1), in_place=False)
    assert window.through([3, 3], [1, 1], [1, 1]) is Extent.UNKNOWN
