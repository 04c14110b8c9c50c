"""What the rows of a run need to choose with, in arrays made once: a slot a sequence, used again when it ends.

A chooser gathers the slots of the rows that run together, and then costs a few microseconds a step however many there
are. A score's targets are given and not chosen; the tail of a prompt, at the positions before 0, is read whatever would
be chosen. Uniform numbers come from `philox.py` by (seed, sequence, position); a call of it costs as much as
a hundred steps' worth of one row, so they are drawn ahead in blocks of positions.
"""

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.job import SampleJob, ScoreJob
from podium_server.generation.row_settings import Ids, Marks, RowSettings
from podium_server.generation.sampler import Choices, choose
from podium_server.generation.scheduler import MAX_TAIL
from podium_server.philox import uniforms_of

BLOCK = 256
"""Positions that are drawn ahead."""

_NOT_FORCED = -1


class Slots:
    """The slots of a model.

    Args:
        num_slots: how many, to begin with; there are more when more are needed.
        vocabulary_size: tokens.
        end_ids: tokens that end a sequence.
        suppressed: tokens that are never chosen.
    """

    def __init__(self, num_slots: int, vocabulary_size: int, end_ids: Ids, suppressed: Ids) -> None:
        self.vocabulary_size = vocabulary_size
        self.suppressed = suppressed if len(suppressed) else None
        self._is_end = np.zeros(vocabulary_size, np.bool_)
        self._is_end[end_ids] = True
        self._has_ends = bool(len(end_ids))
        self._free = list(range(num_slots))[::-1]
        self.temperature = np.ones(num_slots)
        self.top_k = np.full(num_slots, vocabulary_size)
        self.top_p = np.ones(num_slots)
        self.penalty = np.ones(num_slots)
        self.seed = np.zeros(num_slots, np.uint64)
        self.sequence = np.zeros(num_slots, np.uint64)
        self.position = np.zeros(num_slots, np.int64)
        self.length = np.zeros(num_slots, np.int64)
        self.scored = np.zeros(num_slots, np.bool_)
        self.uniform = np.zeros((num_slots, BLOCK))
        self.forced = np.full((num_slots, BLOCK), _NOT_FORCED)
        self.tails = np.zeros((num_slots, MAX_TAIL), np.int64)
        self.seen: Marks | None = None  # made when somebody first has a penalty
        self._targets: dict[int, Ids] = {}

    def take(self, job: SampleJob | ScoreJob, num_given: int) -> int:
        """Give a sequence a slot.

        Args:
            job: what it chooses.
            num_given: tokens at the end of its prompt that are read first.
        """
        slot = self._free.pop()
        self.position[slot] = -num_given
        if num_given:
            self.tails[slot, -num_given:] = job.start.prompt[-num_given:]
        self.scored[slot] = isinstance(job, ScoreJob)
        if isinstance(job, ScoreJob):
            self.temperature[slot], self.top_k[slot], self.top_p[slot] = 0.0, self.vocabulary_size, 1.0
            self.penalty[slot] = 1.0
            self.length[slot] = len(job.targets)
            self._targets[slot] = job.targets
        else:
            sampling = job.sampling
            self.temperature[slot] = sampling.temperature
            self.top_k[slot] = min(sampling.top_k or self.vocabulary_size, self.vocabulary_size)
            self.top_p[slot] = 1.0 if sampling.top_p is None else sampling.top_p
            self.penalty[slot] = sampling.repetition_penalty
            self.length[slot] = job.max_tokens
            self.seed[slot], self.sequence[slot] = job.seed, job.sequence
            self._see(slot, job)
        return slot

    def give_back(self, slot: int) -> None:
        """Take a slot from a sequence that ended."""
        if self._targets.pop(slot, None) is not None:
            self.forced[slot] = _NOT_FORCED
        self._free.append(slot)

    def chooser(self, slots: list[int]) -> "Chooser":
        """Make what chooses for rows that run together."""
        return Chooser(self, np.array(slots, np.intp))

    def settings(self, index: NDArray[np.intp]) -> RowSettings:
        """How the rows of these slots choose."""
        return RowSettings.from_columns(
            temperature_N=self.temperature[index],
            top_k_N=self.top_k[index],
            top_p_N=self.top_p[index],
            penalty_N=self.penalty[index],
            vocabulary_size=self.vocabulary_size,
        )

    def ends(self, token_ids: Ids) -> Marks | None:
        """Which of the tokens are end ids; None: none is."""
        if not self._has_ends:
            return None
        ended: Marks = self._is_end[token_ids]
        return ended if ended.any() else None

    def draw_ahead(self, index: NDArray[np.intp]) -> None:
        """Fill the blocks of the rows that begin one."""
        begins = index[self.position[index] % BLOCK == 0]
        drawn = begins[(self.temperature[begins] > 0)]
        if len(drawn):
            count = int(min(BLOCK, (self.length[drawn] - self.position[drawn]).max()))
            first = self.position[drawn].astype(np.uint64)
            self.uniform[drawn, :count] = uniforms_of(self.seed[drawn], self.sequence[drawn], first, count)
        for slot in begins[self.scored[begins]].tolist():
            targets = self._targets[slot][self.position[slot] : self.position[slot] + BLOCK]
            self.forced[slot, : len(targets)] = targets

    def _see(self, slot: int, job: SampleJob) -> None:
        if job.sampling.repetition_penalty == 1:
            return
        if self.seen is None:
            self.seen = np.zeros((len(self.position), self.vocabulary_size), np.bool_)
        self.seen[slot] = False
        prompt = job.start.prompt
        self.seen[slot, prompt[(prompt >= 0) & (prompt < self.vocabulary_size)]] = True


class Chooser:
    """Chooses for rows that run together, step after step, until somebody joins or leaves.

    Args:
        slots: where they are.
        index: the slot of each row.

    Attributes:
        given: the rows that read their prompts' tails, and to which nothing was chosen; None: none.
        next_ids: what the rows read next: what was chosen, or of their prompts.
    """

    def __init__(self, slots: Slots, index: NDArray[np.intp]) -> None:
        self._slots = slots
        self._index = index
        self._settings = slots.settings(index)
        position = slots.position[index]
        self._to_length = int((slots.length[index] - position).min())
        self._column = position % BLOCK
        self._to_block = 0  # steps until a row begins a block
        if self._column.any():
            self._begin_block()
        scored = slots.scored[index]
        self._scored = scored if scored.any() else None
        self._num_given = max(0, -int(position.min()))  # steps until no row is given its prompt's tail
        self.given: Marks | None = None
        self.next_ids: Ids = index
        self._uniform = np.zeros(len(index))

    def choose(self, logits: NDArray[np.floating]) -> Choices:
        """Choose a token for each row, and go on to the next position."""
        slots, index = self._slots, self._index
        if self._to_block == 0:
            self._begin_block()
        column = self._column
        seen = None
        if self._settings.any_penalty and slots.seen is not None:
            seen = slots.seen[index]
        choices = choose(
            logits,
            self._settings,
            slots.uniform[index, column] if self._settings.any_drawn else self._uniform,
            seen_NV=seen,
            forced_N=None if self._scored is None else slots.forced[index, column],
            suppressed=slots.suppressed,
        )
        self.given, self.next_ids = None, choices.token_ids_N
        if self._num_given:
            self._num_given -= 1
            position = slots.position[index]
            self.given = position < 0
            self.next_ids = np.where(self.given, slots.tails[index, np.minimum(position, -1)], self.next_ids)
        if seen is not None and slots.seen is not None:
            chosen = slice(None) if self.given is None else ~self.given
            slots.seen[index[chosen], choices.token_ids_N[chosen]] = True
        slots.position[index] += 1
        column += 1
        self._to_block -= 1
        self._to_length -= 1
        return choices

    def _begin_block(self) -> None:
        self._slots.draw_ahead(self._index)
        self._column %= BLOCK
        self._to_block = BLOCK - int(self._column.max())

    def ended(self, token_ids: Ids) -> tuple[Marks | None, Marks | None]:
        """Which rows end with the token just chosen: by an end id, and by their length; None: none does."""
        slots = self._slots
        by_length = None
        if self._to_length == 0:
            left = slots.length[self._index] - slots.position[self._index]
            by_length = left == 0
            self._to_length = int(left[left > 0].min(initial=BLOCK))
        by_id = slots.ends(token_ids)
        for unasked in (self._scored, self.given):
            if by_id is not None and unasked is not None:
                by_id &= ~unasked
        return by_id if by_id is not None and by_id.any() else None, by_length
