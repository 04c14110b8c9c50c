"""How far the axes of a series are padded: a function of the length alone, so that an answer has no neighbours."""

_LEAST = 8


def padded(length: int) -> int:
    """Round a length up to 8, 12, 16, 24, 32, 48, …: few enough lengths for strangers to share runs.

    Args:
        length: 1 or more.
    """
    size = _LEAST
    while size < length:
        size = size + size // 2 if size & (size - 1) == 0 else size // 3 * 4
    return size
