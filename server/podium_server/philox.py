"""Random numbers from a counter: each is a function of seed, stream, index and place alone, and of nothing before it.

So number 7 is the same whether 8 or 64 are drawn, on whatever thread and in whatever order. The generator is
Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). What one block of four 32-bit
words w0 … w3 becomes is fixed here, so that no library's own distributions can change an answer:

- key: the seed's lower and upper half; counter: (block, index's lower half, index's upper half, stream);
- two uniform numbers, from (w0, w1) and (w2, w3): (upper 27 bits of the one, upper 26 of the other) / 2^53;
- two normal numbers, of the uniform u and v: √(-2 ln(1 - u)) · cos(2πv) and the same with sin (Box and Muller 1958).

Who samples pictures gives each part of a latent a stream and each picture an index; who samples text may give each
sequence a stream and each position an index.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = NDArray[np.uint64]  # each below 2^32
Key: TypeAlias = tuple[int, int] | tuple[Words, Words]
Numbers: TypeAlias = NDArray[np.float64]

MAX_SEED = MAX_INDEX = 2**64 - 1
MAX_STREAM = 2**32 - 1

_ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_WORD, _WORD_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)
# Blocks of one index belong to attempts of this many: numbers that are drawn again come from later blocks.
_ATTEMPT = 2**16


def philox(counter: tuple[Words, Words, Words, Words], key: Key) -> tuple[Words, Words, Words, Words]:
    """Mix blocks of four words.

    Args:
        counter: the four words of each block, arrays of one shape.
        key: two words, for all blocks; or arrays that broadcast to the counter's shape.
    """
    c0, c1, c2, c3 = counter
    k0: Words = np.asarray(key[0], np.uint64)
    k1: Words = np.asarray(key[1], np.uint64)
    for _ in range(_ROUNDS):
        p0, p1 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1 = (p1 >> _WORD_BITS) ^ c1 ^ k0, p1 & _WORD
        c2, c3 = (p0 >> _WORD_BITS) ^ c3 ^ k1, p0 & _WORD
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return c0, c1, c2, c3


def uniforms(seed: int, stream: int, index: Words, count: int) -> Numbers:
    """Draw uniform numbers, 0 included and 1 not.

    Args:
        seed: 0 … 2^64 - 1.
        stream: 0 … 2^32 - 1.
        index: 64-bit, one dimension, N.
        count: numbers an index, at most 2^17.

    Returns:
        (N, count); row i depends on seed, stream and index[i], and column j besides on j alone.
    """
    pairs = _uniform_pairs(seed, stream, index[:, None], _blocks(count))
    return _side_by_side(*pairs)[:, :count]


def uniforms_of(seeds: Words, streams: Words, first: Words, count: int) -> Numbers:
    """Draw the first uniform number of many indices of many streams at once.

    Args:
        seeds: 64-bit, one dimension, N.
        streams: each below 2^32, N.
        first: the first index of each, 64-bit, N.
        count: how many indices of each, one after the other.

    Returns:
        (N, count); row i, column j is `uniforms(seeds[i], streams[i], first[i] + j, 1)`.
    """
    index: Words = np.add(first[:, None], np.arange(count, dtype=np.uint64), dtype=np.uint64)
    key = (seeds & _WORD)[:, None], (seeds >> _WORD_BITS)[:, None]
    stream = np.broadcast_to(streams[:, None], index.shape)
    w0, w1, _, _ = philox((np.zeros_like(index), index & _WORD, index >> _WORD_BITS, stream), key)
    return _fraction(w0, w1)


def normals(seed: int, stream: int, index: Words, count: int, *, within: float | None = None) -> Numbers:
    """Draw normal numbers of mean 0 and standard deviation 1.

    Args:
        seed: 0 … 2^64 - 1.
        stream: 0 … 2^32 - 1.
        index: 64-bit, one dimension, N.
        count: numbers an index, at most 2^17.
        within: a number farther from 0 is drawn again, from the blocks of the next attempt; None: never.

    Returns:
        (N, count); row i depends on seed, stream and index[i], and column j besides on j alone.
    """
    numbers = _side_by_side(*_normal_pairs(seed, stream, index[:, None], _blocks(count)))[:, :count]
    if within is None:
        return numbers
    rows, columns = np.nonzero(np.abs(numbers) > within)
    first_block = 0
    while rows.size:
        first_block += _ATTEMPT
        pair = _normal_pairs(seed, stream, index[rows], (columns // 2 + first_block).astype(np.uint64))
        again = np.where(columns % 2, pair[1], pair[0])
        kept = np.abs(again) <= within
        numbers[rows[kept], columns[kept]] = again[kept]
        rows, columns = rows[~kept], columns[~kept]
    return numbers


def _blocks(count: int) -> Words:
    """The blocks that `count` numbers of one index take, as a row."""
    return np.arange((count + 1) // 2, dtype=np.uint64)[None]


def _side_by_side(even: Numbers, odd: Numbers) -> Numbers:
    """Put the two numbers of each block into neighbouring columns."""
    return np.stack([even, odd], axis=-1).reshape(len(even), 2 * even.shape[1])


def _uniform_pairs(seed: int, stream: int, index: Words, block: Words) -> tuple[Numbers, Numbers]:
    index, block = np.broadcast_arrays(index, block)
    counter = block.astype(np.uint64), index & _WORD, index >> _WORD_BITS, np.full(index.shape, stream, np.uint64)
    w0, w1, w2, w3 = philox(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return _fraction(w0, w1), _fraction(w2, w3)


def _normal_pairs(seed: int, stream: int, index: Words, block: Words) -> tuple[Numbers, Numbers]:
    u, v = _uniform_pairs(seed, stream, index, block)
    radius = np.sqrt(-2.0 * np.log(1.0 - u))  # 1 - u is exact, and never 0
    angle = 2.0 * np.pi * v
    return radius * np.cos(angle), radius * np.sin(angle)


def _fraction(upper: Words, lower: Words) -> Numbers:
    """Put 27 and 26 bits behind the point: 53 of them, as many as a double has."""
    bits = (upper >> np.uint64(5) << np.uint64(26)) | (lower >> np.uint64(6))
    return bits.astype(np.float64) * 2.0**-53
