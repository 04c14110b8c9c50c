"""One text whose probability is asked for, on its way from the engine to the wire."""

import math
from collections.abc import Sequence

from podium.v1 import text_service_pb2 as wire

from podium_server.errors import UNLOADING, NotReady
from podium_server.generation.job import Clocked, Gathered, Ongoing
from podium_server.text.tokens import Writer


class ScoredText:
    """A text that is read token by token.

    Args:
        ongoing: the job.
        context: the tokens before those whose probability is asked.
        num_targets: how many those are, 1 or more.
    """

    def __init__(self, ongoing: Ongoing, context: Sequence[int], num_targets: int) -> None:
        self.ongoing = ongoing
        self.clocked = Clocked()
        self.ended = False
        self._context = context
        self._num_targets = num_targets
        self._ids: list[int] = []
        self._log_probabilities: list[float] = []

    @property
    def num_written(self) -> int:
        """None: every token was given."""
        return 0

    def add(self, gathered: Gathered) -> None:
        """Take what the engine gave."""
        self._ids += gathered.token_ids
        self._log_probabilities += gathered.log_probabilities
        self.clocked, self.ended = gathered.clocked, gathered.finish is not None

    def result(self, writer: Writer, *, return_tokens: bool) -> wire.ScoreResult:
        """Tell how probable the text is, once it has ended.

        Args:
            writer: of its text.
            return_tokens: whether each is told.

        Raises:
            NotReady: the server ended it early.
        """
        if len(self._ids) < self._num_targets:
            raise NotReady(UNLOADING)
        log_likelihood = math.fsum(self._log_probabilities)
        result = wire.ScoreResult(
            log_likelihood=log_likelihood,
            num_tokens=self._num_targets,
            perplexity=_exp(-log_likelihood / self._num_targets),
        )
        if return_tokens:
            writer.write(self._context)  # the first token's text is what it adds to these
            for token_id, log_probability in zip(self._ids, self._log_probabilities, strict=True):
                result.tokens.add(id=token_id, text=writer.write((token_id,)), log_probability=log_probability)
        return result


def _exp(exponent: float) -> float:
    """The exponential; infinity where no number holds it."""
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf
