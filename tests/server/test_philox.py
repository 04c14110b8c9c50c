"""Random numbers from a counter: known answers, distributions, and that each number stands alone."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium_server.philox import MAX_INDEX, MAX_SEED, MAX_STREAM, normals, philox, uniforms, uniforms_of

SEED = 0x0123_4567_89AB_CDEF


def index(*values: int) -> NDArray[np.uint64]:
    """Make indices."""
    return np.array(values, np.uint64)


def distance_from_uniform(numbers: NDArray[np.float64]) -> float:
    """Kolmogorov's statistic: √n times the largest distance between the two distribution functions."""
    ordered = np.sort(numbers.ravel())
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(np.sqrt(len(ordered)) * max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_blocks_are_those_of_random123(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    """The known answers of the paper's own library, Random123, for philox4x32 with 10 rounds."""
    c0, c1, c2, c3 = (index(word) for word in counter)
    assert tuple(int(word[0]) for word in philox((c0, c1, c2, c3), key)) == expected


def test_uniform_numbers_are_the_documented_bits_of_the_documented_block() -> None:
    """27 bits of one word and 26 of the next over 2^53; counter (block, index, stream), key the seed's halves."""
    i, stream = 2**40 + 5, 77
    numbers = uniforms(SEED, stream, index(i), 4)[0]
    for block in (0, 1):
        counter = index(block), index(i % 2**32), index(i >> 32), index(stream)
        w = [int(word[0]) for word in philox(counter, (SEED % 2**32, SEED >> 32))]
        for place, (upper, lower) in enumerate([(w[0], w[1]), (w[2], w[3])]):
            assert numbers[2 * block + place] == ((upper >> 5) * 2**26 + (lower >> 6)) / 2**53


def test_normal_numbers_are_box_and_mullers() -> None:
    """√(-2 ln(1 - u)) · cos 2πv and · sin 2πv, as PyTorch computes them."""
    u = torch.from_numpy(uniforms(SEED, 3, index(1, 2, 3), 8))
    radius, angle = torch.sqrt(-2 * torch.log(1 - u[:, ::2])), 2 * torch.pi * u[:, 1::2]
    expected = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], -1).reshape(3, 8)
    np.testing.assert_allclose(normals(SEED, 3, index(1, 2, 3), 8), expected, rtol=1e-12)


def test_numbers_are_uniform() -> None:
    """Kolmogorov and Smirnov's test does not reject at 0.1 %; mean 1/2, variance 1/12, nothing beyond the bounds."""
    numbers = uniforms(SEED, 0, np.arange(2000, dtype=np.uint64), 50)
    assert 0.0 <= numbers.min() < 1e-3
    assert 0.999 < numbers.max() < 1.0
    assert distance_from_uniform(numbers) < 1.95
    assert numbers.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * numbers.size))
    assert numbers.var() == pytest.approx(1 / 12, abs=0.001)


def test_numbers_are_normal() -> None:
    """Kolmogorov and Smirnov's test does not reject at 0.1 %; moments 0, 1, 0 and 3 within four standard errors."""
    numbers = normals(SEED, 1, np.arange(2000, dtype=np.uint64), 50)
    size = numbers.size
    assert distance_from_uniform(torch.special.ndtr(torch.from_numpy(numbers)).numpy()) < 1.95
    assert numbers.mean() == pytest.approx(0, abs=4 / np.sqrt(size))
    assert numbers.var() == pytest.approx(1, abs=4 * np.sqrt(2 / size))
    assert (numbers**3).mean() == pytest.approx(0, abs=4 * np.sqrt(15 / size))
    assert (numbers**4).mean() == pytest.approx(3, abs=4 * np.sqrt(96 / size))


@pytest.mark.parametrize("axis", [0, 1])
def test_neighbours_know_nothing_of_each_other(axis: int) -> None:
    """Neither the next number of an index nor the same one of the next index correlates."""
    numbers = normals(SEED, 0, np.arange(1000, dtype=np.uint64), 100)
    a, b = (numbers[:-1], numbers[1:]) if axis == 0 else (numbers[:, :-1], numbers[:, 1:])
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)


def test_seeds_streams_and_indices_give_numbers_of_their_own() -> None:
    """Every bit of each counts."""
    rows = [uniforms(seed, 0, index(0), 2) for seed in (0, 1, 2**32, MAX_SEED)]
    rows += [uniforms(0, stream, index(0), 2) for stream in (1, MAX_STREAM)]
    rows += [uniforms(0, 0, index(i), 2) for i in (1, 2**32, MAX_INDEX)]
    assert len({row.tobytes() for row in rows}) == len(rows)


@pytest.mark.parametrize("within", [None, 1.0, 0.2])
def test_a_number_is_the_same_whatever_is_drawn_beside_it(within: float | None) -> None:
    """Bit for bit: row 7 of 64, row 7 of 8, row 7 alone, in another order, and with more numbers after it."""
    many = normals(SEED, 2, np.arange(64, dtype=np.uint64), 33, within=within)
    few = normals(SEED, 2, np.arange(8, dtype=np.uint64), 33, within=within)
    alone = normals(SEED, 2, index(7), 33, within=within)
    turned = normals(SEED, 2, np.arange(64, dtype=np.uint64)[::-1], 33, within=within)
    longer = normals(SEED, 2, index(7), 48, within=within)
    for other in (few[7], alone[0], turned[64 - 1 - 7], longer[0, :33]):
        assert many[7].tobytes() == other.tobytes()


@pytest.mark.parametrize("within", [2.0, 0.5, 0.1])
def test_truncated_numbers_stay_within_and_are_normal_there(within: float) -> None:
    """Their distribution function is the normal one between the bounds, stretched to 0 … 1."""
    numbers = normals(SEED, 0, np.arange(500, dtype=np.uint64), 40, within=within)
    assert np.abs(numbers).max() <= within
    low, high = torch.special.ndtr(torch.tensor([-within, within], dtype=torch.float64)).tolist()
    stretched = (torch.special.ndtr(torch.from_numpy(numbers)).numpy() - low) / (high - low)
    assert distance_from_uniform(stretched) < 1.95


def test_truncation_leaves_alone_what_is_within() -> None:
    """Only what is too far is drawn again."""
    free = normals(SEED, 0, np.arange(100, dtype=np.uint64), 10)
    bound = normals(SEED, 0, np.arange(100, dtype=np.uint64), 10, within=1.0)
    near = np.abs(free) <= 1.0
    np.testing.assert_array_equal(bound[near], free[near])
    assert 0 < np.count_nonzero(~near) < near.size


def test_nothing_and_odd_counts_have_the_shapes_asked_for() -> None:
    """A block gives two numbers; the second of the last one may be left over."""
    assert uniforms(SEED, 0, index(), 3).shape == (0, 3)
    assert normals(SEED, 0, index(1, 2), 1).shape == (2, 1)
    assert normals(SEED, 0, index(1, 2), 7, within=0.5).shape == (2, 7)


def test_numbers_of_many_streams_at_once_are_those_of_each() -> None:
    """Seeds and streams in a row each, indices one after another: bit for bit what is drawn for each alone."""
    seeds, streams, first = index(0, 5, MAX_SEED, 2**32), index(0, 77, MAX_STREAM, 1), index(0, 2**32 - 3, 9, 2**40)
    numbers = uniforms_of(seeds, streams, first, 6)
    for row in range(4):
        for column in range(6):
            alone = uniforms(int(seeds[row]), int(streams[row]), index(int(first[row]) + column), 1)
            assert numbers[row, column] == alone[0, 0]
