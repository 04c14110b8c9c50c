"""How soon a worker that has died is begun again: at once, and later and later when it dies again and again."""

from dataclasses import dataclass

LONG_LIFE_S = 30.0
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0


@dataclass(slots=True)
class Patience:
    """What is known of one worker's deaths.

    Attributes:
        quick_deaths: in a row, each sooner than `LONG_LIFE_S` after its start.
    """

    quick_deaths: int = 0

    def delay_s(self, lived_s: float) -> float:
        """Take note of a death; the seconds to wait before the next start.

        The first is 0, also after a long life; then 0.5, 1, 2 … up to 30.

        Args:
            lived_s: seconds from the start to the death.
        """
        self.quick_deaths = self.quick_deaths + 1 if lived_s < LONG_LIFE_S else 1
        if self.quick_deaths == 1:
            return 0.0
        return min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (self.quick_deaths - 2))
