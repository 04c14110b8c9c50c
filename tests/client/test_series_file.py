"""Series out of CSV files."""

import math
from pathlib import Path

import click
import numpy as np
import pytest
from podium_client.commands.series_file import read_series

CHANNELS = ("heat", "flow")


def read(folder: Path, text: str) -> dict[str, tuple[list[float], list[list[float]], list[int | str]]]:
    """Read a file of a text: times, values and channels by series."""
    path = folder / "file.csv"
    path.write_text(text)
    read = read_series(path, CHANNELS)
    return {
        name: (each.arrays()[0].tolist(), each.arrays()[1].tolist(), list(each.channels or ()))
        for name, each in read.items()
    }


def test_a_line_a_value(tmp_path: Path) -> None:
    """Series by name in their order, times ascending, values that are not there NaN."""
    text = "series,time,channel,value\nb,2,flow,7\nb,1,heat,3.5\na,1,heat,4\n"
    said = read(tmp_path, text)
    assert list(said) == ["b", "a"]
    times, values, channels = said["b"]
    assert (times, channels) == ([1, 2], ["flow", "heat"])
    np.testing.assert_array_equal(values, [[math.nan, 3.5], [7, math.nan]])


def test_a_column_a_channel(tmp_path: Path) -> None:
    """An empty cell was not observed; spaces and a byte order mark do not matter."""
    ((times, values, channels),) = read(tmp_path, "\ufefftime, heat ,flow\n0,1,\n3, 2 ,5\n").values()
    assert (times, channels) == ([0, 3], ["heat", "flow"])
    np.testing.assert_array_equal(values, [[1, math.nan], [2, 5]])


def test_several_values_at_one_time_are_their_mean(tmp_path: Path) -> None:
    """As the server counts them."""
    ((_, values, _),) = read(tmp_path, "time,channel,value\n1,heat,2\n1,heat,4\n").values()
    assert values == [[3.0]]


def test_digits_are_an_index_unless_a_channel_is_called_so(tmp_path: Path) -> None:
    """Models whose channels have no names are reached by index."""
    ((_, _, channels),) = read(tmp_path, "time,1,heat\n0,2,3\n").values()
    assert channels == [1, "heat"]
    path = tmp_path / "file.csv"
    assert list(read_series(path, ("1", "heat"))[""].channels or ()) == ["1", "heat"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "the first line is 'a,b'; it must be series,time,channel,value or"),
        ("time\n1\n", "the first line is 'time'"),
        ("time,x,x\n1,2,3\n", "the first line is 'time,x,x'"),
        ("time,x\nsoon,2\n", "line 2: time: 'soon' is not a number"),
        ("time,x\n1,nan\n", "line 2: x: 'nan' is not a number"),
        ("time,channel,value\n1,,3\n", "line 2: channel: is empty"),
        ("time,x\n1,\n", "holds no value"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong, and where."""
    with pytest.raises(click.ClickException) as refused:
        read(tmp_path, text)
    assert said in refused.value.message
    assert str(tmp_path / "file.csv") in refused.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(click.ClickException, match="No such file"):
        read_series(tmp_path / "none.csv", CHANNELS)
