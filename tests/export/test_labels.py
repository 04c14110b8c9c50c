"""Class names: as text or JSON, one a class, in the order of the classes."""

from pathlib import Path

import pytest
from podium_export.errors import LabelsError
from podium_export.labels import check_count, read_labels


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "cat\ndog\nnewt\n"),
        ("labels.txt", "\ufeffcat\r\ndog\r\nnewt"),
        ("labels", "cat\ndog\nnewt\n\n"),
        ("labels.json", '["cat", "dog", "newt"]'),
        ("labels.json", '[{"name": "cat"}, {"name": "dog"}, {"name": "newt"}]'),
        ("labels.json", '[{"index": 2, "name": "newt"}, {"index": 0, "name": "cat"}, {"index": 1, "name": "dog"}]'),
        ("labels.json", '{"1": "dog", "0": "cat", "2": "newt"}'),
    ],
)
def test_reads_names_in_the_order_of_their_class(tmp_path: Path, name: str, text: str) -> None:
    """Every usual way of writing them gives the same names."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_labels(tmp_path / name) == ("cat", "dog", "newt")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("labels.txt", "cat\n\nnewt\n", r"line 2 \(class 1\) is empty"),
        ("labels.json", '["cat", ""]', "class 1 is empty"),
        ("labels.json", '["cat",', "not JSON"),
        ("labels.json", '{"a": "cat"}', 'an index is missing or no number; JSON may be {"0": "cat"}'),
        ("labels.json", '[{"index": 0, "name": "cat"}, {"index": 5, "name": "dog"}]', "must be 0 to 1, each once"),
        ("labels.json", "[1, 2]", "must be a list of names"),
        ("labels.json", "[]", "must be a list of names"),
    ],
)
def test_says_what_is_wrong_with_the_file(tmp_path: Path, name: str, text: str, said: str) -> None:
    """File, place and what would be right."""
    (tmp_path / name).write_text(text)
    with pytest.raises(LabelsError, match=said):
        read_labels(tmp_path / name)


def test_refuses_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A picture given by mistake is not read as names."""
    (tmp_path / "labels.txt").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(LabelsError, match="cannot be read as text"):
        read_labels(tmp_path / "labels.txt")


def test_there_is_one_name_a_class() -> None:
    """More or fewer are refused with both numbers; none at all are allowed."""
    check_count((), 10)
    check_count(("a", "b"), 2)
    with pytest.raises(LabelsError, match="2 names for 10 classes"):
        check_count(("a", "b"), 10)


def test_reads_the_published_imagenet_labels(data: Path) -> None:
    """The thousand names of timm's file, in order: 0 is a tench, 967 espresso (ImageNet-1k)."""
    labels = read_labels(data / "image-classification" / "imagenet-1k-labels.json")
    assert len(labels) == 1000
    assert labels[0] == "tench, Tinca tinca"
    assert labels[967] == "espresso"
