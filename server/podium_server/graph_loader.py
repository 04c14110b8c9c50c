"""Makes one graph ready to run: open a session, replay the golden examples, find out how it runs best."""

import dataclasses
import hashlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from podium.v1 import model_manifest_pb2 as pb

from podium_server.errors import LoadFailed, PodiumError
from podium_server.generation.described import STEP, describe
from podium_server.generation.step_compiler import compile_step
from podium_server.generation.step_graph import StepGraph
from podium_server.generation.step_warmup import StepRunner, couple_steps, measure_rows, sample_rows, tokens
from podium_server.package import GoldenCase, Package
from podium_server.plan import Layout, Plan, layouts
from podium_server.plan_memory import Conditions, Measured, PlanMemory, processor_model
from podium_server.replay import replay
from podium_server.runtime.devices import CPU_PROVIDER, Device
from podium_server.runtime.session import RUNTIME, Session, shares_batch_axis
from podium_server.signature import Signature
from podium_server.signature_match import check_signature, state_names
from podium_server.warmup import RowCoupling, couple, measure_plan, sample_inputs

log = logging.getLogger(__name__)

# Sequences written at once, whatever the operator says: each has a slot of some kilobytes.
MOST_ROWS = 1024


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How graphs are run.

    Attributes:
        device: where.
        num_cores: cores allowed, shared by all models.
        max_waiting_rows: rows that may wait for one graph.
        memory_folder: where measured plans are remembered.
        max_batch_rows: the operator's most rows of a run; None to measure.
        layout: the operator's sessions and threads; None to measure.
        remeasure: whether to measure again what is remembered.
        drain_s: seconds that accepted sequences get at the end.
        max_queue_s: seconds that a request may wait for a graph; None for as long as its caller does.
    """

    device: Device
    num_cores: int
    max_waiting_rows: int
    memory_folder: Path
    max_batch_rows: int | None = None
    layout: Layout | None = None
    remeasure: bool = False
    drain_s: float = 30.0
    max_queue_s: float | None = None


@dataclass(frozen=True, slots=True)
class ReadyGraph:
    """A graph that is ready to run.

    Attributes:
        session: runs it.
        signature: what goes in and out.
        plan: how it is run.
        step: what its rows are written with, if it is a step graph.
    """

    session: Session
    signature: Signature
    plan: Plan
    step: StepGraph | None = None


class GraphLoader:
    """Loads graphs; `load` may be called by several threads.

    Args:
        options: how graphs are run.
    """

    def __init__(self, options: LoadOptions) -> None:
        self._options = options
        self._memory = PlanMemory(options.memory_folder / "plans")
        self._processor = processor_model()
        # One graph is measured at a time: two at once would measure each other.
        self._measuring = threading.Lock()
        self._stopping = False

    def stop(self) -> None:
        """Begin no measurement any more: those that wait for their turn would hold up the end by seconds each."""
        self._stopping = True

    def load(self, package: Package, graph: pb.Graph) -> ReadyGraph:
        """Make a graph of a package ready.

        Raises:
            PackageError: it does not do what its manifest says.
            LoadFailed: ONNX Runtime refuses it, or the server stops.
        """
        if graph.name == STEP and describe(package.manifest) is not None:
            return self._load_step(package, graph)
        path = package.graph_path(graph)
        layouts_ = self._layouts()
        conditions = self._conditions(package.digests[graph.name], layouts_)
        measured = None if self._options.remeasure else self._memory.recall(conditions)
        session = self._open(path, measured.plan.layout if measured else layouts_[0])
        signature = check_signature(graph, session.signature) if package.checked else _read(session)
        golden = [case for case in package.golden() if case.graph == graph.name]
        if package.checked:
            replay(golden, {graph.name: (session, signature)}, package.manifest.parity)
        if measured is None:
            measured = self._remembered(conditions, lambda: self._measure(path, session, signature, golden, layouts_))
            if measured.plan.layout.num_threads != layouts_[0].num_threads:
                session = self._open(path, measured.plan.layout)
        return ReadyGraph(session, *self._settle(signature, measured))

    def _remembered(self, conditions: Conditions, measure: Callable[[], Measured]) -> Measured:
        """What was measured, by another process too while this one waited for its turn; else measure it."""
        recall = not self._options.remeasure
        if recall and (measured := self._memory.recall(conditions)) is not None:
            return measured
        with self._memory.alone():
            if recall and (measured := self._memory.recall(conditions)) is not None:
                return measured
            measured = measure()
            self._memory.remember(conditions, measured)
            return measured

    def _load_step(self, package: Package, graph: pb.Graph) -> ReadyGraph:
        """Make a step graph ready: its rows are written by a generator on one thread."""
        layout = Layout(1, self._options.layout.num_threads if self._options.layout else 1)
        session = self._open(package.graph_path(graph), layout)
        signature = check_signature(graph, session.signature, state_names(package.manifest, graph))
        step_plan = compile_step(package.manifest)
        golden = [case for case in package.golden() if case.graph == graph.name]
        replay(golden, {graph.name: (session, signature)}, package.manifest.parity)
        together = StepGraph(session, step_plan)
        conditions = self._conditions(step_digest(package, graph), [layout])
        measured = self._remembered(
            conditions, lambda: self._measure_step(package.graph_path(graph), together, golden[0], layout)
        )
        if measured.coupling is RowCoupling.MIXED:
            raise LoadFailed(
                f"graph '{graph.name}': rows of one run change one another's answers, so that sequences cannot be "
                "written together; nothing in it may go across the batch"
            )
        plan = measured.plan
        if self._options.max_batch_rows is not None:
            rows = min(self._options.max_batch_rows, MOST_ROWS)
            plan = dataclasses.replace(plan, max_batch_rows=rows, source="configured")
        alone = measured.coupling is RowCoupling.ROUNDING
        return ReadyGraph(session, signature, plan, StepGraph(session, step_plan, alone=alone))

    def _measure_step(self, path: Path, graph: StepGraph, golden: GoldenCase, layout: Layout) -> Measured:
        """Find out what rows do to one another, and how many are best run at once."""
        with self._measuring:
            if self._stopping:
                raise LoadFailed("the server is shutting down")
            sample = sample_rows(graph.plan, golden.inputs)
            coupling = couple_steps(graph, sample)
            if coupling is RowCoupling.MIXED:
                return Measured(Plan(layout, 1), coupling)
            one_token = (tokens(graph.plan, 1), *sample)
            timed = StepGraph(graph.session, graph.plan, alone=coupling is RowCoupling.ROUNDING)
            on_cpu = self._options.device.provider == CPU_PROVIDER and layout.num_threads == 1
            rows, rate = measure_rows(StepRunner(timed), one_token, time.thread_time if on_cpu else time.perf_counter)
        log.info(
            "measured %s: %d rows at once give %s rows/s; rows that change others: %s",
            path, rows, f"{rate:,.0f}", coupling.value,
        )  # fmt: skip
        return Measured(Plan(layout, rows, rate, "measured"), coupling)

    def _layouts(self) -> list[Layout]:
        """The layouts that may be chosen."""
        if self._options.layout is not None:
            return [self._options.layout]
        if self._options.device.provider != CPU_PROVIDER:
            return [Layout(1, 1)]  # an accelerator schedules itself
        return layouts(self._options.num_cores)

    def _conditions(self, digest: str, candidates: list[Layout]) -> Conditions:
        names = tuple(layout.name for layout in candidates)
        return Conditions(digest, RUNTIME, self._options.device.name, names, self._processor)

    def _open(self, path: Path, layout: Layout) -> Session:
        return Session(path, providers=self._options.device.providers, num_threads=layout.num_threads)

    def _measure(
        self, path: Path, session: Session, signature: Signature, golden: list[GoldenCase], candidates: list[Layout]
    ) -> Measured:
        """Find out what rows do to one another, and which layout and batch size are best."""
        unmeasured = Measured(Plan(candidates[0], 1), RowCoupling.MIXED)
        sample = None if signature.uncarried else sample_inputs(signature, [case.inputs for case in golden])
        if sample is None:
            return unmeasured
        with self._measuring:
            if self._stopping:
                raise LoadFailed("the server is shutting down")
            try:
                coupling = couple(session, sample) if signature.batched else RowCoupling.MIXED
                first = candidates[0].num_threads
                plan = measure_plan(
                    lambda threads: session if threads == first else self._open(path, Layout(1, threads)),
                    sample,
                    coupling is RowCoupling.NONE,
                    candidates,
                    time.thread_time if self._options.device.provider == CPU_PROVIDER else time.perf_counter,
                )
            except PodiumError as error:  # a stranger's graph may refuse random inputs
                log.info("%s is not measured: %s", path, error)
                return unmeasured
        log.info(
            "measured %s: %d × %d × %d (batch × sessions × threads) gives %s rows/s; rows that change others: %s",
            path,
            plan.max_batch_rows,
            plan.layout.num_sessions,
            plan.layout.num_threads,
            f"{plan.rows_per_second:,.0f}",
            coupling.value,
        )
        return Measured(plan, coupling)

    def _settle(self, signature: Signature, measured: Measured) -> tuple[Signature, Plan]:
        """What is run in the end: what was measured, within what rows allow and as the operator wants it."""
        plan = measured.plan
        if self._options.max_batch_rows is not None:
            plan = dataclasses.replace(plan, max_batch_rows=self._options.max_batch_rows, source="configured")
        if measured.coupling is not RowCoupling.NONE:
            plan = dataclasses.replace(plan, max_batch_rows=1)
        batched = signature.batched and measured.coupling is not RowCoupling.MIXED
        return dataclasses.replace(signature, batched=batched), plan


def _read(session: Session) -> Signature:
    """The signature of an ONNX file without a manifest."""
    return dataclasses.replace(session.signature, batched=shares_batch_axis(session.signature))


def step_digest(package: Package, graph: pb.Graph) -> str:
    """A digest of a step graph's file and of how it is fed, 64 lower-case hexadecimal digits."""
    manifest = package.manifest
    fed = b"".join(part.SerializeToString(deterministic=True) for part in (manifest.generation, manifest.video))
    return hashlib.sha256(package.digests[graph.name].encode() + fed).hexdigest()
