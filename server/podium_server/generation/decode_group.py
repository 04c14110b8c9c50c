"""The sequences that write together: one run a step for all of them.

Rows lie in the order of sampled sequences first, then beam searches with a row a hypothesis. Whoever joins reads the
tail of the prompt first, a token a step. The states of a run are the next run's inputs as they are; rows are copied
only when somebody joins or leaves, or a beam search turns its hypotheses round. Tokens stay in arrays, one a step,
until they are handed over.
"""

import time
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.beam_search import Survivors
from podium_server.generation.endings import Reason, as_failure, find_endings, not_numbers
from podium_server.generation.job import Finish, Watch
from podium_server.generation.rows import Index
from podium_server.generation.sampler import Choices, log_softmax
from podium_server.generation.slots import Chooser, Slots
from podium_server.generation.step_graph import Outputs, Rows, StepGraph
from podium_server.generation.writing import Writing

Ended: TypeAlias = dict[Writing, Reason]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step came to.

    Attributes:
        ended: who ended, and why.
        begun: who has a first token, and goes on.
    """

    ended: Ended = field(default_factory=dict[Writing, Reason])
    begun: list[Writing] = field(default_factory=list[Writing])


NOTHING_NEW = Progress()


class DecodeGroup:
    """Sequences whose rows may share a run.

    Args:
        graph: what runs them.
        slots: what they choose with.

    Attributes:
        run_s: seconds of all runs.
        last_run_s, last_rows, last_at: the last run's seconds and rows, and when it ended; no rows when there was none.
    """

    def __init__(self, graph: StepGraph, slots: Slots) -> None:
        self._graph = graph
        self._slots = slots
        self._members: set[Writing] = set()
        self._sampled: list[Writing] = []
        self._searches: list[Writing] = []
        self._counts: list[int] = []  # rows of each search
        self._rows: Rows | None = None
        self._joining: list[tuple[Writing, Rows]] = []
        self._changed = False
        self._chooser: Chooser | None = None
        self._watched: list[tuple[int, Watch]] = []
        self._to_first = 0  # steps until somebody has a first token; 0: nobody waits for one
        self._history: list[Choices] = []
        self.run_s = 0.0
        self.last_run_s = 0.0
        self.last_rows = 0
        self.last_at = 0.0

    def __len__(self) -> int:
        return len(self._members)

    @property
    def members(self) -> list[Writing]:
        """Everybody here."""
        return list(self._members)

    def join(self, writing: Writing, rows: Rows) -> None:
        """Take a sequence in at the next step, with the rows that it goes on from."""
        writing.joined_run_s = self.run_s
        self._members.add(writing)
        self._joining.append((writing, rows))
        self._changed = True

    def leave(self, writing: Writing) -> None:
        """Let a sequence out before the next step; nothing, when it is not here."""
        if writing in self._members:
            self._members.remove(writing)
            self._changed = True

    def step(self) -> Progress:
        """Run once for everybody, and choose."""
        if self._changed:
            self._regroup()
        rows, self.last_rows = self._rows, 0
        if rows is None:
            return NOTHING_NEW
        ended: Ended = {}
        began = time.monotonic()
        try:
            outputs = self._graph.run(rows)
        except BaseException as error:  # noqa: BLE001 - whatever the provider raises, the thread must live on
            outputs = self._run_apart(rows, error, ended)
        self.last_at = time.monotonic()
        self.last_rows, self.last_run_s = rows.count, self.last_at - began
        self.run_s += self.last_run_s
        tokens = self._sample(rows, outputs, ended) if self._chooser is not None else rows.tokens[:0]
        if self._searches:
            self._search(rows, Rows(tokens, outputs.states, rows.contexts), outputs, ended)
        else:
            self._rows = Rows(tokens, outputs.states, rows.contexts)
        self._to_first -= 1
        if not ended and self._to_first != 0:
            return NOTHING_NEW
        self.flush()
        return Progress(ended, self._begun(ended))

    def flush(self) -> None:
        """Give each sequence the tokens that it has come to."""
        history, self._history = self._history, []
        if not history:
            return
        ids = np.stack([choices.token_ids_N for choices in history], axis=1).tolist()
        logs = np.stack([choices.log_probabilities_N for choices in history], axis=1).tolist()
        for writing, new_ids, new_logs in zip(self._sampled, ids, logs, strict=True):
            if writing.num_given:
                given = min(writing.num_given, len(new_ids))
                writing.num_given -= given
                del new_ids[:given], new_logs[:given]
            writing.token_ids += new_ids
            writing.log_probabilities += new_logs

    def _sample(self, rows: Rows, outputs: Outputs, ended: Ended) -> NDArray[np.int64]:
        """Choose a token for each sampled sequence; (N, 1)."""
        assert self._chooser is not None
        logits = outputs.logits[: len(self._sampled)] if self._searches else outputs.logits
        choices = self._chooser.choose(logits)
        self._history.append(choices)
        for row, reason in find_endings(choices, self._chooser, self._watched).items():
            ended.setdefault(self._sampled[row], reason)
        return self._chooser.next_ids[:, None]

    def _begun(self, ended: Ended) -> list[Writing]:
        """Who has got a first token with this step, but for those who ended."""
        if self._to_first != 0:
            return []
        fresh = [writing for writing in self._sampled if not writing.first and writing.token_ids]
        for writing in fresh:
            writing.first = self.last_at
        self._wait_for_first()
        return [writing for writing in fresh if writing not in ended]

    def _wait_for_first(self) -> None:
        """Find out when somebody has a first token next."""
        self._to_first = min((writing.num_given + 1 for writing in self._sampled if not writing.first), default=0)

    def _search(self, before: Rows, after: Rows, outputs: Outputs, ended: Ended) -> None:
        """Take a step of each beam search, and bring rows into the order of the hypotheses that go on."""
        order: list[Index] = [np.arange(after.count)]
        tokens, start = [after.tokens], after.count
        for writing, count in zip(self._searches, self._counts, strict=True):
            given, survivors = writing.num_given, None
            if writing not in ended and not given:
                survivors = advance(writing, outputs.logits[start : start + count], self.last_at, ended)
            if survivors is None:  # it reads the tail of its prompt, or leaves before the next run
                order.append(np.arange(start, start + count))
                tokens.append(writing.next_given() if given else before.tokens[start : start + count])
            else:
                order.append(start + survivors.parents)
                tokens.append(survivors.token_ids[:, None])
            start += count
        index = np.concatenate(order)
        counts = [len(column) for column in tokens[1:]]
        states, contexts = after.states, after.contexts
        if len(index) != start or (index != np.arange(start)).any():
            states = self._graph.state_axes.take(states, index)
        if counts != self._counts:  # otherwise each row's is still its own sequence's
            contexts = self._graph.context_axes.take(contexts, index)
        self._rows, self._counts = Rows(np.concatenate(tokens), states, contexts), counts

    def _regroup(self) -> None:
        """Let out who has left and in who joins."""
        self.flush()
        joining = [(writing, rows) for writing, rows in self._joining if writing in self._members]
        sampled = [(writing, rows) for writing, rows in joining if writing.search is None]
        searches = [(writing, rows) for writing, rows in joining if writing.search is not None]
        kept = [row for row, writing in enumerate(self._sampled) if writing in self._members]
        spans: list[Index] = []
        counts: list[int] = []
        start = len(self._sampled)
        for writing, count in zip(self._searches, self._counts, strict=True):
            if writing in self._members:
                spans.append(np.arange(start, start + count))
                counts.append(count)
            start += count
        parts = [*self._kept(np.array(kept, np.intp)), *(rows for _, rows in sampled)]
        parts += [
            *self._kept(np.concatenate(spans) if spans else np.array([], np.intp)),
            *(rows for _, rows in searches),
        ]
        self._sampled = [*(self._sampled[row] for row in kept), *(writing for writing, _ in sampled)]
        self._searches = [*(w for w in self._searches if w in self._members), *(writing for writing, _ in searches)]
        self._counts = [*counts, *(rows.count for _, rows in searches)]
        self._rows = self._graph.concatenate(parts) if parts else None
        self._joining, self._changed = [], False
        self._chooser = (
            self._slots.chooser([w.slot for w in self._sampled if w.slot is not None]) if self._sampled else None
        )
        self._watched = [(row, w.watch) for row, w in enumerate(self._sampled) if w.watch is not None]
        self._wait_for_first()

    def _kept(self, index: Index) -> list[Rows]:
        rows = self._rows
        if rows is None or not len(index):
            return []
        return [rows if len(index) == rows.count else self._graph.take(rows, index)]

    def _run_apart(self, rows: Rows, error: BaseException, ended: Ended) -> Outputs:
        """Run each row on its own, so that only those at fault see an error; what these get is nothing."""
        owners = [*self._sampled, *(w for w, n in zip(self._searches, self._counts, strict=True) for _ in range(n))]
        results: list[Outputs | BaseException] = [error] if rows.count == 1 else self._graph.run_apart(rows)
        parts: list[Outputs] = []
        for row, (owner, result) in enumerate(zip(owners, results, strict=True)):
            if isinstance(result, Outputs):
                parts.append(result)
                continue
            ended.setdefault(owner, as_failure(result))
            nothing = np.zeros((1, self._slots.vocabulary_size), np.float32)
            parts.append(Outputs(nothing, self._graph.state_axes.one(rows.states, row)))
        return self._graph.joined(parts)


def advance(writing: Writing, logits: NDArray[Any], now: float, ended: Ended) -> Survivors | None:
    """Take a step of a beam search; None when it is over, which is then among `ended`."""
    assert writing.search is not None
    with np.errstate(all="ignore"):
        x_NV, z_N = log_softmax(logits)
    writing.first = writing.first or now
    if np.isnan(z_N).any():
        ended[writing] = not_numbers()
        return None
    survivors = writing.search.advance(x_NV - z_N[:, None])
    if survivors is None:
        ended[writing] = Finish.END
    return survivors
