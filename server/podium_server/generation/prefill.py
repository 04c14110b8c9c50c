"""Reads prompts: a piece of each of several sequences in one run, and the first token after the last piece."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium_server.generation.decode_group import Ended, advance
from podium_server.generation.endings import Reason, as_failure, find_endings
from podium_server.generation.outbox import Outbox
from podium_server.generation.slots import Slots
from podium_server.generation.step_graph import Outputs, Rows, StepGraph
from podium_server.generation.writing import Writing


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What became of one sequence of a run.

    Attributes:
        writing: the sequence.
        rows: that it goes on from, together with those who write; None: it has more pieces to read, or has ended.
        reason: why it ended.
    """

    writing: Writing
    rows: Rows | None = None
    reason: Reason | None = None


class Prefill:
    """Reads pieces of prompts.

    Args:
        graph: what reads them.
        slots: what first tokens are chosen with.
        outbox: where runs are counted.
    """

    def __init__(self, graph: StepGraph, slots: Slots, outbox: Outbox) -> None:
        self._graph = graph
        self._slots = slots
        self._outbox = outbox

    def read(self, run: list[Writing]) -> list[Read]:
        """Read the next piece of each prompt, and choose the first token of those that have no tail.

        Args:
            run: sequences whose next pieces have one length, and whose contexts have the same shapes.
        """
        length = run[0].pieces[-1]
        results = self._run(run, length)
        now = time.monotonic()
        going: list[Read] = []
        whole: list[tuple[Writing, Outputs]] = []
        for writing, result in zip(run, results, strict=True):
            if isinstance(result, BaseException):
                going.append(Read(writing, reason=as_failure(result)))
                continue
            writing.num_read += length
            writing.states = result.states
            if len(writing.pieces) > 1:
                going.append(Read(writing))
            elif writing.num_read < len(writing.job.start.prompt):
                going.append(Read(writing, writing.next_row()))
            elif writing.search is None:
                whole.append((writing, result))
            else:
                going.append(self._branch(writing, result, now))
        return going + self._choose(whole, now)

    def _run(self, run: list[Writing], length: int) -> Sequence[Outputs | BaseException]:
        rows = self._graph.concatenate(
            [Rows(w.job.start.prompt[None, w.num_read : w.num_read + length], w.states, w.contexts) for w in run]
        )
        began = time.monotonic()
        results: Sequence[Outputs | BaseException]
        try:
            results = self._graph.split(self._graph.run(rows))
        except BaseException as error:  # noqa: BLE001 - whatever the provider raises, the thread must live on
            results = [error] if len(run) == 1 else self._graph.run_apart(rows)
        run_s = time.monotonic() - began
        for writing in run:
            writing.run_s += run_s
        self._outbox.tally.ran(self._outbox.tally.prefills, len(run), run_s)
        self._outbox.tally.prefill_tokens += rows.tokens.size
        return results

    def _choose(self, whole: list[tuple[Writing, Outputs]], now: float) -> list[Read]:
        """Choose the first token of sampled and scored sequences."""
        if not whole:
            return []
        chooser = self._slots.chooser([w.slot for w, _ in whole if w.slot is not None])
        choices = chooser.choose(np.concatenate([result.logits for _, result in whole]))
        watched = [(row, w.watch) for row, (w, _) in enumerate(whole) if w.watch is not None]
        reasons = find_endings(choices, chooser, watched)
        reads: list[Read] = []
        for row, (writing, result) in enumerate(whole):
            token = choices.token_ids_N[row : row + 1, None]
            writing.first = now
            writing.token_ids.append(int(token[0, 0]))
            writing.log_probabilities.append(float(choices.log_probabilities_N[row]))
            rows = None if row in reasons else Rows(token, result.states, writing.contexts)
            reads.append(Read(writing, rows, reasons.get(row)))
        return reads

    def _branch(self, writing: Writing, result: Outputs, now: float) -> Read:
        """Take the first step of a beam search."""
        ended: Ended = {}
        survivors = advance(writing, result.logits, now, ended)
        if survivors is None:
            return Read(writing, reason=ended[writing])
        one = Rows(survivors.token_ids[:1, None], result.states, writing.contexts)
        several = self._graph.take(one, np.zeros(len(survivors.parents), np.intp))
        return Read(writing, Rows(survivors.token_ids[:, None], several.states, several.contexts))
