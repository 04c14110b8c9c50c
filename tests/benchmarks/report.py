"""A benchmark's results as Markdown and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from tests.benchmarks.comparison import Comparison, SamplingComparison, TextComparison
from tests.benchmarks.point import middle
from tests.benchmarks.subjects import ALONE, PODIUM

AIM = 0.95
"""Of samples a second, as a part of what ONNX Runtime alone gives."""

TEXT_AIMS: Mapping[int, float] = MappingProxyType({1: 0.75, 64: 0.9})
"""Of tokens a second, as a part of what the step graph gives alone, by the number of streams."""
GAIN_AIMS: Mapping[int, float] = MappingProxyType({64: 6.0})
"""Of tokens a second, over those of one text at a time, by the number of streams."""

_READING = f"""\
Medians over the rounds; of requests/s also the least and the greatest. Subjects took turns within each round.
ONNX Runtime alone has all cores to itself and no caller: with one caller the quickest run of one row, else the most
rows/s of any batch size and layout; its latencies are those of a run of the whole batch. The echo server and podium
share the cores with the load generator, whose processor time is listed apart.

- "of ONNX Runtime": podium's requests/s over ONNX Runtime's rows/s. Where the model's time dominates, 1 is the limit;
  where it does not, gRPC and the load generator take most of the cores.
- "processor": podium's processor time for a request over ONNX Runtime's for a row plus the echo's for a request.
- "latency": podium's median over ONNX Runtime's plus the echo's, where one caller waits for one row.
- "of the ceiling": podium's requests/s over what the cores would give if a request cost exactly its run, its echo and
  its load generator.

Of samples ONNX Runtime alone runs the decoder, at the batch size and layout with the most rows/s, on latents that are
there already; podium draws them, and writes pictures. Latencies are those of whole calls.

- "of ONNX Runtime": podium's samples/s over ONNX Runtime's rows/s; the aim is {AIM}.
- "processor": podium's processor time for a sample over ONNX Runtime's for a row.
- "of the ceiling": podium's samples/s over what the cores would give if a sample cost exactly its row and its load
  generator.

Of texts ONNX Runtime alone takes steps with a row a stream, states and tokens fed back and tokens chosen by podium's
sampler; its time between tokens is that of a step. Podium's are those that its readers see: what gathers for 20 to
100 ms comes in one message.

- "of ONNX Runtime": podium's tokens/s over ONNX Runtime's; the aims are {TEXT_AIMS[1]} of one stream and
  {TEXT_AIMS[64]} of 64.
- "of one at a time": podium's tokens/s over its own with one stream; the aim of 64 streams is {GAIN_AIMS[64]}.
- "processor": podium's processor time for a token over that of a step and its choice."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one benchmark found.

    Attributes:
        environment: where it ran.
        choices: what was found best, by model and subject.
        comparisons: one for each model and number of callers.
        samplings: the same of samples.
        texts: the same of texts.
    """

    environment: Mapping[str, str]
    choices: Mapping[str, str]
    comparisons: Sequence[Comparison]
    samplings: Sequence[SamplingComparison] = ()
    texts: Sequence[TextComparison] = ()

    def markdown(self) -> str:
        """Write tables for people."""
        return "\n".join(self._lines())

    def json(self) -> dict[str, Any]:
        """Give every point of every round for programs."""
        return {
            "environment": dict(self.environment),
            "choices": dict(self.choices),
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "samplings": [asdict(sampling) for sampling in self.samplings],
            "texts": [asdict(text) for text in self.texts],
        }

    def _lines(self) -> Iterator[str]:
        yield from (f"- {name}: {value}" for name, value in (*self.environment.items(), *self.choices.items()))
        yield ""
        yield _READING
        for model in dict.fromkeys(comparison.model for comparison in self.comparisons):
            yield f"\n### {model}\n"
            of_model = [comparison for comparison in self.comparisons if comparison.model == model]
            yield from _figures(of_model, "requests")
            if PODIUM in of_model[0].rounds:
                yield ""
                yield from _ratios(of_model)
        for model in dict.fromkeys(sampling.model for sampling in self.samplings):
            yield f"\n### {model}, samples\n"
            of_samples = [sampling for sampling in self.samplings if sampling.model == model]
            yield from _figures(of_samples, "samples")
            if of_samples[0].subjects:
                yield ""
                yield from _sampling_ratios(of_samples)
        for model in dict.fromkeys(text.model for text in self.texts):
            yield f"\n### {model}, texts\n"
            of_texts = [text for text in self.texts if text.model == model]
            yield from _text_figures(of_texts)
            if PODIUM in of_texts[0].rounds:
                yield ""
                yield from _text_ratios(of_texts)


def _figures(comparisons: Sequence[Comparison | SamplingComparison], unit: str) -> Iterator[str]:
    yield f"| callers | subject | {unit}/s | p50 ms | p99 ms | processor s per 1,000 | load generator's | failed |"
    yield "|--:|---|--:|--:|--:|--:|--:|--:|"
    for comparison in comparisons:
        for subject, points in comparison.rounds.items():
            m = middle(points)
            spread = f"{min(p.per_s for p in points):,.0f}–{max(p.per_s for p in points):,.0f}"
            generator = f"{m.generator_cpu_s_per_1000:.3f}" if subject != ALONE else ""
            yield (
                f"| {comparison.callers} | {subject} | {m.per_s:,.0f} ({spread}) | {m.p50_ms:.2f} | {m.p99_ms:.2f} "
                f"| {m.cpu_s_per_1000:.3f} | {generator} | {m.num_failed} |"
            )


def _ratios(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield "| callers | of ONNX Runtime | processor | latency | of the ceiling |"
    yield "|--:|--:|--:|--:|--:|"
    for c in comparisons:
        latency = str(c.latency()) if c.callers == 1 else ""
        yield f"| {c.callers} | {c.throughput()} | {c.processor()} | {latency} | {c.ceiling()} |"


def _sampling_ratios(samplings: Sequence[SamplingComparison]) -> Iterator[str]:
    yield f"| callers | subject | of ONNX Runtime (aim {AIM}) | processor | of the ceiling |"
    yield "|--:|---|--:|--:|--:|"
    for s in samplings:
        for subject in s.subjects:
            figures = (s.throughput(subject), s.processor(subject), s.ceiling(subject))
            yield f"| {s.callers} | {subject} | {' | '.join(map(str, figures))} |"


def _text_figures(texts: Sequence[TextComparison]) -> Iterator[str]:
    yield (
        "| streams | subject | tokens/s | between tokens p50 ms | p99 ms | first token p50 ms | p99 ms "
        "| processor s per 1,000 | readers' | failed |"
    )
    yield "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for comparison in texts:
        for subject, points in comparison.rounds.items():
            m = middle(points)
            spread = f"{min(p.per_s for p in points):,.0f}–{max(p.per_s for p in points):,.0f}"
            seen = f"{m.first_p50_ms:.1f} | {m.first_p99_ms:.1f}" if subject != ALONE else " | "
            readers = f"{m.generator_cpu_s_per_1000:.4f}" if subject != ALONE else ""
            yield (
                f"| {comparison.callers} | {subject} | {m.per_s:,.0f} ({spread}) | {m.p50_ms:.3f} | {m.p99_ms:.3f} "
                f"| {seen} | {m.cpu_s_per_1000:.4f} | {readers} | {m.num_failed} |"
            )


def _text_ratios(texts: Sequence[TextComparison]) -> Iterator[str]:
    yield "| streams | of ONNX Runtime (aim) | of one at a time (aim) | processor |"
    yield "|--:|--:|--:|--:|"
    for t in texts:
        aims = [f" ({of[t.callers]})" if t.callers in of else "" for of in (TEXT_AIMS, GAIN_AIMS)]
        yield f"| {t.callers} | {t.throughput()}{aims[0]} | {t.gain()}{aims[1]} | {t.processor()} |"
