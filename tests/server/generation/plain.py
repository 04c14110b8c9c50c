"""What the engine does, written out in plain loops: one sequence, one row, one token at a time."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium_server.generation.job import (
    BeamJob,
    Beams,
    Engine,
    Finish,
    Gathered,
    Hypothesis,
    Job,
    Ongoing,
    SampleJob,
    Sampling,
)
from podium_server.philox import uniforms
from podium_server.runtime.session import Session

from tests.server.generation.networks import Network


def choose_plainly(
    logits: Sequence[float],
    sampling: Sampling,
    uniform: float,
    seen: Iterable[int] = (),
    suppressed: Iterable[int] = (),
) -> int:
    """Choose as `Decoding` says: penalty, temperature, top-k, top-p, then by the cumulative distribution."""
    x = [float(value) for value in logits]
    for i in set(seen):
        x[i] = x[i] / sampling.repetition_penalty if x[i] > 0 else x[i] * sampling.repetition_penalty
    for i in suppressed:
        x[i] = -math.inf
    if sampling.temperature == 0:
        return x.index(max(x))
    largest = max(x)
    z = [(value - largest) / sampling.temperature for value in x]
    mass = [float(np.exp(value)) for value in z]
    allowed = _allowed(z, mass, sampling)
    total = 0.0
    for i in allowed:
        total += mass[i]
    reached = 0.0
    for i in allowed:
        reached += mass[i]
        if reached > uniform * total:
            return i
    return [i for i in allowed if mass[i] > 0][-1]


def _allowed(z: list[float], mass: list[float], sampling: Sampling) -> list[int]:
    """What top-k and then top-p leave, in the order of ids."""
    order = sorted(range(len(z)), key=lambda i: (-z[i], i))
    whole = 0.0
    if sampling.top_k is not None and sampling.top_k < len(z):
        order = order[: sampling.top_k]
        for i in order:
            whole += mass[i]
    else:
        for value in mass:
            whole += value
    if sampling.top_p is not None and sampling.top_p < 1:
        kept, reached = 0, 0.0
        while kept < len(order) and reached < sampling.top_p * whole:
            reached += mass[order[kept]]
            kept += 1
        order = order[: max(kept, 1)]
    return sorted(order)


def log_softmax_plainly(logits: Sequence[float]) -> list[float]:
    """Natural logarithms of the softmax."""
    largest = max(logits)
    z = math.log(math.fsum(math.exp(value - largest) for value in logits))
    return [value - largest - z for value in logits]


@dataclass(frozen=True, slots=True)
class Text:
    """What was written."""

    token_ids: list[int]
    log_probabilities: list[float]
    finish: Finish | None
    hypotheses: list[Hypothesis]


class PlainLoop:
    """Runs a step graph for one sequence.

    Args:
        network: the graph.
        rows: what its encoder gave, by input.
    """

    def __init__(self, network: Network, rows: "dict[str, NDArray[Any]] | None" = None) -> None:
        self.session = Session(network.onnx, providers=["CPUExecutionProvider"], num_threads=1)
        self.generation = network.manifest.generation
        self._graph = next(graph for graph in network.manifest.graphs if graph.name == "step")
        self._rows = rows or {}

    def first(self) -> list[NDArray[Any]]:
        """The first states: zeros."""
        shapes = {spec.name: [axis.size or 1 for axis in spec.shape] for spec in self._graph.inputs}
        return [np.zeros(shapes[state.input], np.float32) for state in self.generation.states]

    def read(self, tokens: Sequence[int], states: list[NDArray[Any]]) -> tuple[list[float], list[NDArray[Any]]]:
        """Read tokens; logits of the last one, and the states after it."""
        contexts = [self._rows[context.input] for context in self.generation.contexts]
        logits, *after = self.session.run([np.array([tokens]), *states, *contexts])
        return logits[0].tolist(), list(after)

    def read_prompt(self, prompt: Sequence[int]) -> tuple[list[float], list[NDArray[Any]]]:
        """Read a prompt in the pieces that the README says: 32, then powers of two."""
        states, logits, rest = self.first(), list[float](), list(prompt)
        while rest:
            length = 32
            while length > len(rest):
                length //= 2
            logits, states = self.read(rest[:length], states)
            rest = rest[length:]
        return logits, states

    def write(self, job: SampleJob) -> Text:
        """Write one sequence."""
        prompt = job.start.prompt.tolist()
        logits, states = self.read_prompt(prompt)
        ids: list[int] = []
        logs: list[float] = []
        while True:
            index = np.array([len(ids)], np.uint64)
            uniform = float(uniforms(job.seed, job.sequence, index, 1)[0, 0])
            seen = {*prompt, *ids} if job.sampling.repetition_penalty != 1 else set[int]()
            token = choose_plainly(logits, job.sampling, uniform, seen, self.generation.suppressed_ids)
            ids.append(token)
            logs.append(log_softmax_plainly(logits)[token])
            if token in self.generation.end_ids:
                return Text(ids, logs, Finish.END, [])
            if len(ids) == job.max_tokens:
                return Text(ids, logs, Finish.LENGTH, [])
            logits, states = self.read([token], states)

    def search(self, job: BeamJob) -> list[tuple[float, list[int]]]:
        """Search one sequence; scores and tokens, best first."""
        logits, states = self.read_prompt(job.start.prompt.tolist())
        live = [(0.0, list[int](), logits, states)]
        done: list[tuple[float, list[int]]] = []
        beams = job.beams
        for length in range(1, job.max_tokens + 1):
            candidates = [
                (total + log, parent, token)
                for parent, (total, _, logits, _) in enumerate(live)
                for token, log in enumerate(log_softmax_plainly(logits))
            ]
            candidates.sort(key=lambda c: (-c[0], c[1], c[2]))
            going: list[tuple[float, list[int], list[NDArray[Any]]]] = []
            for rank, (total, parent, token) in enumerate(candidates):
                ids = [*live[parent][1], token]
                if token in self.generation.end_ids:
                    if rank < beams.num_beams:
                        done.append((total / length**beams.length_penalty, ids))
                elif len(going) < beams.num_beams:
                    going.append((total, ids, live[parent][3]))
            if length == job.max_tokens:
                done += [(total / length**beams.length_penalty, ids) for total, ids, _ in going]
                break
            done = sorted(done, key=lambda d: -d[0])[: beams.num_beams]
            best = going[0][0] / length**beams.length_penalty if going else -math.inf
            if len(done) == beams.num_beams and best <= done[-1][0]:
                break
            live = [(total, ids, *self.read(ids[-1:], states)) for total, ids, states in going]
        done.sort(key=lambda d: -d[0])
        return done[: beams.num_best]


def begin(engine: Engine, job: Job) -> Ongoing:
    """Have one sequence started."""
    (ongoing,) = engine.start_all([job])
    return ongoing


async def all_of(ongoing: Ongoing) -> Text:
    """Gather a sequence to its end."""
    ids: list[int] = []
    logs: list[float] = []
    while True:
        gathered: Gathered = await ongoing.gather()
        ids += gathered.token_ids
        logs += gathered.log_probabilities
        if gathered.finish is not None:
            return Text(ids, logs, gathered.finish, gathered.hypotheses)


BEAMS = Beams(num_beams=4, length_penalty=1.0, num_best=2)
