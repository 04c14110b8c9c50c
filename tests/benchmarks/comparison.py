"""The measurements of one model with one number of callers, and the ratios that the aims are about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.point import Point
from tests.benchmarks.subjects import ALONE, ECHO, PODIUM
from tests.benchmarks.texts import ONE_AT_A_TIME


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio in the middle round, and the least and the greatest of all rounds."""

    middle: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Ratio":
        """Take the middle, the least and the greatest of one ratio a round."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f}–{self.greatest:.2f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every round of one model with one number of callers.

    Attributes:
        model: the model's name.
        callers: how many.
        num_cores: the cores that everything shared.
        rounds: by subject, one point a round.
    """

    model: str
    callers: int
    num_cores: int
    rounds: Mapping[str, Sequence[Point]]

    def throughput(self) -> Ratio:
        """Podium's requests/s over ONNX Runtime's rows/s, which had all cores to itself."""
        return self._ratio(lambda alone, _echo, podium: podium.per_s / alone.per_s)

    def processor(self) -> Ratio:
        """Podium's processor time for a request over ONNX Runtime's for a row plus the echo's for a request."""
        return self._ratio(
            lambda alone, echo, podium: podium.cpu_s_per_1000 / (alone.cpu_s_per_1000 + echo.cpu_s_per_1000)
        )

    def latency(self) -> Ratio:
        """Podium's median latency over that of a run plus that of an echo; for a lone caller."""
        return self._ratio(lambda alone, echo, podium: podium.p50_ms / (alone.p50_ms + echo.p50_ms))

    def ceiling(self) -> Ratio:
        """Podium's requests/s over what the cores could give if a request cost nothing but the run, the echo and
        the load generator.
        """
        return self._ratio(
            lambda alone, echo, podium: (
                podium.per_s
                * (alone.cpu_s_per_1000 + echo.cpu_s_per_1000 + podium.generator_cpu_s_per_1000)
                / (1000 * self.num_cores)
            )
        )

    def _ratio(self, of: Callable[[Point, Point, Point], float]) -> Ratio:
        triples = zip(self.rounds[ALONE], self.rounds[ECHO], self.rounds[PODIUM], strict=True)
        return Ratio.of([of(*triple) for triple in triples])


@dataclass(frozen=True, slots=True)
class SamplingComparison:
    """Every round of sampling one model with one number of callers.

    Attributes:
        model: the model's name.
        callers: how many.
        num_cores: the cores that everything shared.
        rounds: by subject, one point a round, of samples.
    """

    model: str
    callers: int
    num_cores: int
    rounds: Mapping[str, Sequence[Point]]

    @property
    def subjects(self) -> list[str]:
        """Podium's ways of asking."""
        return [subject for subject in self.rounds if subject != ALONE]

    def throughput(self, subject: str) -> Ratio:
        """Samples/s over ONNX Runtime's rows/s, which had all cores to itself."""
        return self._ratio(subject, lambda alone, podium: podium.per_s / alone.per_s)

    def processor(self, subject: str) -> Ratio:
        """Podium's processor time for a sample over ONNX Runtime's for a row."""
        return self._ratio(subject, lambda alone, podium: podium.cpu_s_per_1000 / alone.cpu_s_per_1000)

    def ceiling(self, subject: str) -> Ratio:
        """Samples/s over what the cores could give if a sample cost nothing but its row and the load generator."""
        return self._ratio(
            subject,
            lambda alone, podium: (
                podium.per_s * (alone.cpu_s_per_1000 + podium.generator_cpu_s_per_1000) / (1000 * self.num_cores)
            ),
        )

    def _ratio(self, subject: str, of: Callable[[Point, Point], float]) -> Ratio:
        return Ratio.of([of(*pair) for pair in zip(self.rounds[ALONE], self.rounds[subject], strict=True)])


@dataclass(frozen=True, slots=True)
class TextComparison:
    """Every round of the texts of one model with one number of streams.

    Attributes:
        model: the model's name.
        callers: how many streams.
        num_cores: the cores that everything shared.
        rounds: by subject, one point a round, of tokens.
    """

    model: str
    callers: int
    num_cores: int
    rounds: Mapping[str, Sequence[Point]]

    def throughput(self) -> Ratio:
        """Podium's tokens/s over those of ONNX Runtime alone at the same number of rows."""
        return self._ratio(ALONE, lambda alone, podium: podium.per_s / alone.per_s)

    def gain(self) -> Ratio:
        """Podium's tokens/s over those of one text at a time."""
        return self._ratio(ONE_AT_A_TIME, lambda alone, podium: podium.per_s / alone.per_s)

    def processor(self) -> Ratio:
        """Podium's processor time for a token over that of ONNX Runtime and sampling alone."""
        return self._ratio(ALONE, lambda alone, podium: podium.cpu_s_per_1000 / alone.cpu_s_per_1000)

    def _ratio(self, other: str, of: Callable[[Point, Point], float]) -> Ratio:
        return Ratio.of([of(*pair) for pair in zip(self.rounds[other], self.rounds[PODIUM], strict=True)])
