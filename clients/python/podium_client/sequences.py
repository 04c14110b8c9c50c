"""What the calls answer that write or read texts: typed, frozen values."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import overload

from podium.v1 import decoding_pb2, text_service_pb2

from podium_client.answers import ResponseMetadata, read_metadata


class FinishReason(StrEnum):
    """Why a sequence ended."""

    STOP = "stop"
    """One of the stop texts appeared."""
    LENGTH = "length"
    """It has as many tokens as were asked for, or as the model can have."""
    END = "end"
    """The model ended it."""
    CANCELLED = "cancelled"
    """The server shut down or unloaded the model."""
    UNKNOWN = "unknown"
    """A newer server's reason."""


@dataclass(frozen=True, slots=True)
class GenerationUsage:
    """What a call cost, all its sequences together.

    Attributes:
        num_prompt_tokens: tokens of prompts or sources read, start and end included.
        num_output_tokens: tokens written.
        queue_ms: how long the first sequence waited for its first run.
        prefill_ms: from there to the first token: reading the prompt.
        decode_ms: from there to the last token: writing.
    """

    num_prompt_tokens: int
    num_output_tokens: int
    queue_ms: float
    prefill_ms: float
    decode_ms: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens written a second, from the first run to the last token; 0 where no time was told."""
        took_ms = self.prefill_ms + self.decode_ms
        return 1e3 * self.num_output_tokens / took_ms if took_ms else 0.0


@dataclass(frozen=True, slots=True)
class GeneratedSequence:
    """One text that was written.

    Attributes:
        text: the text, without end and stop texts.
        token_ids: the tokens chosen, those of a stop text and of the end included.
        log_probabilities: of each token as the model gave it, in nats; None unless asked for.
        log_probability: their sum: of the whole sequence.
        score: what sequences of one call are ranked by: the log-probability, for beam search with the length penalty.
        finish_reason: why it ended.
    """

    text: str
    token_ids: tuple[int, ...]
    log_probabilities: tuple[float, ...] | None
    log_probability: float
    score: float
    finish_reason: FinishReason

    @property
    def probability(self) -> float:
        """Of the whole sequence, 0 … 1."""
        return math.exp(self.log_probability)


@dataclass(frozen=True, slots=True)
class GeneratedSequences(Sequence[GeneratedSequence]):
    """The texts written for one prompt, picture or source: drawn ones in order, those of beam search best first.

    Attributes:
        sequences: 1 or more.
        metadata: who answered, with the seed, and where the time went.
        usage: what the call cost, its other prompts, pictures or sources included.
    """

    sequences: tuple[GeneratedSequence, ...]
    metadata: ResponseMetadata
    usage: GenerationUsage

    @property
    def best(self) -> GeneratedSequence:
        """The first of them."""
        return self.sequences[0]

    @property
    def text(self) -> str:
        """The first one's text."""
        return self.best.text

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each."""
        return tuple(sequence.text for sequence in self.sequences)

    @property
    def finish_reason(self) -> FinishReason:
        """Why the first one ended."""
        return self.best.finish_reason

    def __len__(self) -> int:
        return len(self.sequences)

    def __iter__(self) -> Iterator[GeneratedSequence]:
        return iter(self.sequences)

    @overload
    def __getitem__(self, index: int) -> GeneratedSequence: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[GeneratedSequence, ...]: ...
    def __getitem__(self, index: int | slice) -> GeneratedSequence | tuple[GeneratedSequence, ...]:
        return self.sequences[index]


@dataclass(frozen=True, slots=True)
class SequencePiece:
    """What came of one sequence since its piece before; whole characters only.

    Attributes:
        text: the text; empty in a last piece that only says why the sequence ended.
        sequence: which of the call's sequences, 0 or more.
        token_ids: the tokens.
        log_probabilities: of each token as the model gave it, in nats; None unless asked for.
        log_probability: of the whole sequence, in its last piece; else None.
        finish_reason: why the sequence ended, in its last piece; else None.
    """

    text: str
    sequence: int
    token_ids: tuple[int, ...]
    log_probabilities: tuple[float, ...] | None
    log_probability: float | None
    finish_reason: FinishReason | None


@dataclass(frozen=True, slots=True)
class ScoredToken:
    """One token of a text.

    Attributes:
        id: its id.
        text: its text, as far as it is whole characters.
        log_probability: given the tokens before it, in nats.
    """

    id: int
    text: str
    log_probability: float

    @property
    def probability(self) -> float:
        """Given the tokens before it, 0 … 1."""
        return math.exp(self.log_probability)


@dataclass(frozen=True, slots=True)
class TextScore:
    """How probable a text is.

    Attributes:
        log_likelihood: the logarithm of its probability, in nats: the sum over its tokens given those before.
        num_tokens: the number of tokens summed over.
        perplexity: exp of the nats a token.
        tokens: each token summed over; None unless asked for.
        metadata: who answered, and where the time went.
        usage: what the call cost, its other texts included.
    """

    log_likelihood: float
    num_tokens: int
    perplexity: float
    tokens: tuple[ScoredToken, ...] | None
    metadata: ResponseMetadata
    usage: GenerationUsage

    @property
    def nats_per_token(self) -> float:
        """The cross-entropy: what a token costs in nats; lower is likelier."""
        return -self.log_likelihood / self.num_tokens if self.num_tokens else 0.0


def read_sequences(
    messages: Iterable[decoding_pb2.GeneratedSequence],
    metadata: ResponseMetadata,
    usage: GenerationUsage,
    *,
    with_log_probabilities: bool,
) -> GeneratedSequences:
    """Read the sequences of one prompt, picture or source."""
    sequences = tuple(
        GeneratedSequence(
            text=message.text,
            token_ids=tuple(message.token_ids),
            log_probabilities=tuple(message.log_probabilities) if with_log_probabilities else None,
            log_probability=message.log_probability,
            score=message.score,
            finish_reason=_finish_reason(message.finish_reason),
        )
        for message in messages
    )
    return GeneratedSequences(sequences, metadata, usage)


def read_piece(message: decoding_pb2.SequencePiece, *, with_log_probabilities: bool) -> SequencePiece:
    """Read one piece."""
    ended = message.finish_reason != decoding_pb2.FINISH_REASON_UNSPECIFIED
    return SequencePiece(
        text=message.text,
        sequence=message.sequence,
        token_ids=tuple(message.token_ids),
        log_probabilities=tuple(message.log_probabilities) if with_log_probabilities else None,
        log_probability=message.log_probability if ended else None,
        finish_reason=_finish_reason(message.finish_reason) if ended else None,
    )


def read_usage(message: decoding_pb2.GenerationUsage) -> GenerationUsage:
    """Read what a call cost."""
    return GenerationUsage(
        num_prompt_tokens=message.num_prompt_tokens,
        num_output_tokens=message.num_output_tokens,
        queue_ms=message.queue_ms,
        prefill_ms=message.prefill_ms,
        decode_ms=message.decode_ms,
    )


def read_scores(response: text_service_pb2.ScoreResponse, *, with_tokens: bool) -> list[TextScore]:
    """Read one score a text, in the order of the request."""
    metadata, usage = read_metadata(response.metadata), read_usage(response.usage)
    return [
        TextScore(
            log_likelihood=result.log_likelihood,
            num_tokens=result.num_tokens,
            perplexity=result.perplexity,
            tokens=tuple(ScoredToken(t.id, t.text, t.log_probability) for t in result.tokens) if with_tokens else None,
            metadata=metadata,
            usage=usage,
        )
        for result in response.results
    ]


def _finish_reason(number: decoding_pb2.FinishReason) -> FinishReason:
    try:
        return FinishReason(decoding_pb2.FinishReason.Name(number).removeprefix("FINISH_REASON_").lower())
    except ValueError:  # a newer server's
        return FinishReason.UNKNOWN
