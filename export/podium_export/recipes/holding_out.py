"""Decides what is not learned from by name alone: the same every time, in any order, whatever else there is."""

import hashlib


def share_of(name: str) -> float:
    """Give a number of 0 ... 1 that depends on a name alone; what is below a part is held out."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
