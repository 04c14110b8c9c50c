"""Every Prometheus series of the server. Labels come from closed sets: RPC methods, loaded versions, status codes."""

from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from podium_server.counted_histogram import CountedHistogram
from podium_server.generation.tally import Tally
from podium_server.runtime.versions import runtime_versions
from podium_server.shadowing.comparison import Comparison

VERSION = ("model", "version")
SECONDS = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
# When each series began: a third more lines of the page, and Prometheus knows by the scrape.
disable_created_metrics()  # type: ignore[no-untyped-call]
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class _Series:
    """Makes series of one registry.

    Args:
        registry: where they are shown.
        labels: that all of them have, before their own.
    """

    def __init__(self, registry: CollectorRegistry, labels: Sequence[str] = ()) -> None:
        self._registry = registry
        self._labels = tuple(labels)

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        """Make what only rises; the page adds "_total" to its name."""
        return Counter(name, documentation, (*self._labels, *labels), registry=self._registry)

    def gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        """Make what rises and falls."""
        return Gauge(name, documentation, (*self._labels, *labels), registry=self._registry)

    def histogram(self, name: str, documentation: str, buckets: Sequence[float] = SECONDS) -> CountedHistogram:
        """Make what is counted by size."""
        return CountedHistogram(name, documentation, self._labels, buckets=buckets, registry=self._registry)


class Metrics:
    """The series, in a registry of their own, so that several servers fit in one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Info("podium_build", "1, with the versions of podium and of what it stands on.", registry=registry)
        build.info(dict(runtime_versions()))
        server, method = _Series(registry), _Series(registry, ("method", *VERSION))
        version, graph = _Series(registry, VERSION), _Series(registry, (*VERSION, "graph"))
        self.requests = method.counter(
            "podium_requests",
            "Calls by method, by the version that answered (empty when none did), by gRPC status code, and by the "
            "limit that refused them: CLIENT_LIMIT, MODEL_LIMIT, QUEUE_FULL, QUEUE_TIME or REQUEST_MEMORY.",
            "code", "limit",
        )  # fmt: skip
        self.request_seconds = method.histogram(
            "podium_request_seconds", "Seconds from the decoded request to the finished answer."
        )
        self.client_requests = server.counter(
            "podium_client_requests",
            "Calls by the name that the caller's token has, and by gRPC status code.",
            "client", "code",
        )  # fmt: skip
        self.limited = server.counter(
            "podium_limited",
            "Requests refused at the door, by limit: CLIENT_LIMIT, MODEL_LIMIT, REQUEST_MEMORY; nothing was run.",
            "limit",
        )
        self.queue_seconds = version.histogram("podium_queue_seconds", "Seconds that a request waited for a session.")
        self.preprocess_seconds = version.histogram(
            "podium_preprocess_seconds", "Seconds of decoding and preparing a request's inputs."
        )
        self.encode_seconds = version.histogram("podium_encode_seconds", "Seconds of building a request's answer.")
        self.run_seconds = version.histogram("podium_run_seconds", "Seconds of one run inside the execution provider.")
        self.run_rows = version.histogram("podium_run_rows", "Rows that shared one run.", ROWS)
        self.queue_rows = version.gauge("podium_queue_rows", "Rows that wait for a session now.")
        self.refused = version.counter(
            "podium_refused", "Requests refused because the queue was full; nothing was run."
        )
        self.expired = version.counter(
            "podium_expired", "Requests whose deadline passed in the queue; nothing was run."
        )
        self.cancelled = version.counter("podium_cancelled", "Requests whose caller left before the answer.")
        self.load_seconds = version.gauge(
            "podium_model_load_seconds", "Seconds that a version took from the start of its load to ready."
        )
        self.version_state = version.gauge(
            "podium_model_state", "1 for the state that a version is in, 0 for the others.", "state"
        )
        self.model_info = version.gauge(
            "podium_model_info", "1 for each loaded version, with its task and active execution provider.",
            "task", "provider",
        )  # fmt: skip
        self.plan_rows = graph.gauge("podium_plan_batch_rows", "The most rows of one run, as measured or set.")
        self.plan_sessions = graph.gauge("podium_plan_sessions", "Sessions that run side by side.")
        self.plan_threads = graph.gauge("podium_plan_threads", "Threads inside each session.")
        self.plan_rate = graph.gauge(
            "podium_plan_rows_per_second", "Rows a second of the chosen plan as measured at warm-up; 0 when it was not."
        )
        self.generation = GenerationMetrics(version)
        self.shadow = ShadowMetrics(_Series(registry, (*VERSION, "candidate")))

    def show_server(self, ready: Callable[[], bool], calls: Callable[[], int], images: Callable[[], int]) -> None:
        """Show the server as it is when the page is made.

        Args:
            ready: whether models are loaded and it does not drain.
            calls: that are being answered.
            images: on their way to rows of input.
        """
        for name, documentation, read in (
            ("podium_ready", "1 once models are loaded and until the server drains, else 0.", ready),
            ("podium_calls_in_progress", "Calls that are being answered now, idle streams left out.", calls),
            ("podium_images_waiting", "Pictures that are being decoded or wait for it now.", images),
        ):
            _Series(self.registry).gauge(name, documentation).set_function(read)

    def show_expiry(self, expires: Callable[[], float]) -> None:
        """Show when the certificate that is shown now ends."""
        gauge = _Series(self.registry).gauge(
            "podium_certificate_expiry_timestamp_seconds", "When the server's certificate ends, in seconds since 1970."
        )
        gauge.set_function(expires)

    def show_request_bytes(self, used: Callable[[], int]) -> None:
        """Show how much memory requests take."""
        gauge = _Series(self.registry).gauge("podium_request_bytes", "Bytes of requests that are in the server now.")
        gauge.set_function(used)

    def show_state(self, model: str, version: int, current: str, states: Sequence[str]) -> None:
        """Show the state that a version is in, of all the states there are."""
        for state in states:
            self.version_state.labels(model, str(version), state).set(state == current)

    def forget_state(self, model: str, version: int, states: Sequence[str]) -> None:
        """Take back the state of a version that the repository has no more."""
        for state in states:
            self.version_state.remove(model, str(version), state)

    def version(self, model: str, version: int) -> "VersionMetrics":
        """The series of one version."""
        return VersionMetrics(self, model, str(version))


class VersionMetrics:
    """The series of one version, their labels looked up once: this is on the path of every request."""

    def __init__(self, metrics: Metrics, model: str, version: str) -> None:
        self.model, self.version = model, version
        labels = (model, version)
        self.queue_seconds = metrics.queue_seconds.labels(*labels)
        self.preprocess_seconds = metrics.preprocess_seconds.labels(*labels)
        self.encode_seconds = metrics.encode_seconds.labels(*labels)
        self.run_seconds = metrics.run_seconds.labels(*labels)
        self.run_rows = metrics.run_rows.labels(*labels)
        self.refused = metrics.refused.labels(*labels)
        self.expired = metrics.expired.labels(*labels)
        self.cancelled = metrics.cancelled.labels(*labels)
        self.generation: VersionGenerationMetrics | None = None
        self._metrics = metrics

    def loaded(self, task: str, provider: str, load_s: float, waiting_rows: Callable[[], int]) -> None:
        """Show a version that became ready."""
        metrics, labels = self._metrics, (self.model, self.version)
        metrics.model_info.labels(*labels, task, provider).set(1)
        metrics.load_seconds.labels(*labels).set(load_s)
        metrics.queue_rows.labels(*labels).set_function(waiting_rows)

    def writes(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Show a version that writes sequences."""
        metrics = self._metrics.generation
        self.generation = VersionGenerationMetrics(metrics, self.model, self.version, running, waiting)

    def planned(self, graph: str, rows: int, sessions: int, threads: int, rate: float) -> None:
        """Show how a graph is run."""
        metrics, labels = self._metrics, (self.model, self.version, graph)
        metrics.plan_rows.labels(*labels).set(rows)
        metrics.plan_sessions.labels(*labels).set(sessions)
        metrics.plan_threads.labels(*labels).set(threads)
        metrics.plan_rate.labels(*labels).set(rate)

    def unloaded(self, task: str, provider: str, graphs: list[str]) -> None:
        """Take back what is only true of a loaded version; counters stay."""
        metrics, labels = self._metrics, (self.model, self.version)
        metrics.model_info.remove(*labels, task, provider)
        metrics.load_seconds.remove(*labels)
        metrics.queue_rows.remove(*labels)
        if self.generation is not None:
            self.generation.unloaded()
            self.generation = None
        for graph in graphs:
            for gauge in (metrics.plan_rows, metrics.plan_sessions, metrics.plan_threads, metrics.plan_rate):
                gauge.remove(*labels, graph)


class GenerationMetrics:
    """The series of models that write sequences, under the names that dashboards of text servers know."""

    def __init__(self, version: _Series) -> None:
        self.first_token = version.histogram(
            "podium_time_to_first_token_seconds", "Seconds from a sequence's arrival at the engine to its first token."
        )
        self.between_tokens = version.histogram(
            "podium_time_between_tokens_seconds",
            "Seconds between a sequence's tokens: the mean of those that were handed over together.",
        )
        self.step_seconds = version.histogram(
            "podium_step_seconds", "Seconds of one decode run inside the execution provider."
        )
        self.step_rows = version.histogram("podium_step_rows", "Rows that shared one decode run.", ROWS)
        self.prompt_tokens = version.counter("podium_prompt_tokens", "Tokens of prompts of sequences that began.")
        self.output_tokens = version.counter("podium_output_tokens", "Tokens written, and targets of scores.")
        self.prefill_tokens = version.counter(
            "podium_prefill_tokens",
            "Tokens that runs of prompts read; beside podium_decode_tokens the share of prefill.",
        )
        self.decode_tokens = version.counter("podium_decode_tokens", "Tokens that decode runs read.")
        self.prefill_seconds = version.counter(
            "podium_prefill_seconds", "Seconds of runs of prompts inside the execution provider."
        )
        self.finished = version.counter("podium_sequences_finished", "Sequences that ended, by reason.", "reason")
        self.running = version.gauge("podium_sequences_running", "Sequences that have rows now.")
        self.waiting = version.gauge("podium_sequences_waiting", "Sequences that wait for rows now.")


class VersionGenerationMetrics:
    """The series of one version that writes sequences."""

    def __init__(
        self,
        metrics: GenerationMetrics,
        model: str,
        version: str,
        running: Callable[[], int],
        waiting: Callable[[], int],
    ) -> None:
        self._metrics, self._labels = metrics, (model, version)
        self._first_token = metrics.first_token.labels(model, version)
        self._between_tokens = metrics.between_tokens.labels(model, version)
        self._step_seconds = metrics.step_seconds.labels(model, version)
        self._step_rows = metrics.step_rows.labels(model, version)
        self._prompt_tokens = metrics.prompt_tokens.labels(model, version)
        self._output_tokens = metrics.output_tokens.labels(model, version)
        self._prefill_tokens = metrics.prefill_tokens.labels(model, version)
        self._decode_tokens = metrics.decode_tokens.labels(model, version)
        self._prefill_seconds = metrics.prefill_seconds.labels(model, version)
        metrics.running.labels(model, version).set_function(running)
        metrics.waiting.labels(model, version).set_function(waiting)

    def stepped(self, tally: Tally) -> None:
        """Show what was done since the last call."""
        self._prompt_tokens.inc(tally.prompt_tokens)
        self._output_tokens.inc(tally.output_tokens)
        self._prefill_tokens.inc(tally.prefill_tokens)
        self._decode_tokens.inc(tally.decode_tokens)
        self._prefill_seconds.inc(sum(runs.seconds for runs in tally.prefills.values()))
        for seconds in tally.first_token_s:
            self._first_token.observe(seconds)
        for seconds, count in tally.gaps:
            self._between_tokens.observe(seconds, count)
        for rows, runs in tally.steps.items():
            self._step_rows.observe(rows, runs.count)
            self._step_seconds.observe(runs.seconds / runs.count, runs.count)
        for reason, count in tally.finished.items():
            self._metrics.finished.labels(*self._labels, reason.value).inc(count)
        if tally.failed:
            self._metrics.finished.labels(*self._labels, "failed").inc(tally.failed)

    def unloaded(self) -> None:
        """Take back what is only true of a loaded version; counters stay."""
        self._metrics.running.remove(*self._labels)
        self._metrics.waiting.remove(*self._labels)


class ShadowMetrics:
    """The series of copies of live traffic: how alike a candidate's answers are."""

    def __init__(self, pair: _Series) -> None:
        self.calls = pair.counter(
            "podium_shadow_calls",
            "Answered calls that were to be copied to a candidate, by what became of the copy.",
            "outcome",
        )
        self.items = pair.counter(
            "podium_shadow_items",
            "Compared pictures, rows and texts, by whether both versions say the same.",
            "agreement",
        )
        self.difference = pair.histogram(
            "podium_shadow_difference",
            "The largest difference between two numbers of one answer.",
            (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5, 1.0, 10.0, 100.0),
        )
        self.edit_distance = pair.histogram(
            "podium_shadow_edit_distance",
            "Characters to change from one version's text to the other's, over the longer one's length.",
            (0.0, 0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0),
        )

    def compared(self, model: str, version: str, candidate: str, comparison: Comparison) -> None:
        """Show how alike two answers were."""
        labels = model, version, candidate
        self.items.labels(*labels, "agreed").inc(comparison.num_agreed)
        self.items.labels(*labels, "differed").inc(comparison.num_differed)
        if comparison.largest_difference is not None:
            self.difference.labels(*labels).observe(comparison.largest_difference)
        for distance in comparison.edit_distances:
            self.edit_distance.labels(*labels).observe(distance)
