"""How far an axis of unequal lengths is padded: by the length alone, so that an answer has no neighbours."""

_SHORTEST = 8


def padded_length(length: int, most: int | None = None) -> int:
    """Round a length up to 8, 12, 16, 24, 32, 48, 64, 96, …: few enough lengths for strangers to share runs.

    Beyond 8, at most a third of it is padding.

    Args:
        length: 1 or more.
        most: what the graph takes at most, `length` or more; None: any length.
    """
    padded = _SHORTEST
    while padded < length:
        is_power_of_two = padded & (padded - 1) == 0
        padded = padded * 3 // 2 if is_power_of_two else padded * 4 // 3
    return padded if most is None else min(padded, most)
