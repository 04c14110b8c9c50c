"""The seed of a request that has none."""

import secrets

# A seed that a caller can type; theirs may have 64 bits.
_BITS = 32


def choose_seed() -> int:
    """Choose a seed that nobody can foresee: 0 … 2^32 - 1."""
    return secrets.randbits(_BITS)
