"""A text as it is written: iterated piece by piece, and known as a whole so far."""

from collections.abc import AsyncGenerator, Callable, Generator
from typing import TypeAlias

from podium.v1 import captioning_service_pb2, text_service_pb2

from podium_client.answers import ResponseMetadata, read_metadata
from podium_client.sequences import FinishReason, GenerationUsage, SequencePiece, read_piece, read_usage

Response: TypeAlias = text_service_pb2.StreamGenerateResponse | captioning_service_pb2.StreamCaptionResponse


class Gathered:
    """What has come of a stream so far.

    Args:
        num_sequences: how many were asked for.
        with_log_probabilities: whether those of the tokens were.
    """

    def __init__(self, num_sequences: int, *, with_log_probabilities: bool) -> None:
        self._with_log_probabilities = with_log_probabilities
        self._parts: list[list[str]] = [[] for _ in range(num_sequences)]
        self.finish_reasons: list[FinishReason | None] = [None] * num_sequences
        self.metadata: ResponseMetadata | None = None
        self.usage: GenerationUsage | None = None

    def take(self, response: Response) -> list[SequencePiece]:
        """Add a message, and give its pieces."""
        if response.HasField("metadata"):
            self.metadata = read_metadata(response.metadata)
        if response.HasField("usage"):
            self.usage = read_usage(response.usage)
        pieces = [read_piece(each, with_log_probabilities=self._with_log_probabilities) for each in response.pieces]
        for piece in pieces:
            self._parts[piece.sequence].append(piece.text)
            self.finish_reasons[piece.sequence] = piece.finish_reason
        return pieces

    def text(self, sequence: int) -> str:
        """Join what there is of one sequence."""
        self._parts[sequence] = ["".join(self._parts[sequence])]
        return self._parts[sequence][0]

    @property
    def num_sequences(self) -> int:
        """How many were asked for."""
        return len(self._parts)


class StreamedText:
    """What is known of a text that is being written: all of it, once the iteration has come to its end."""

    def __init__(self, gathered: Gathered) -> None:
        self._gathered = gathered

    @property
    def text(self) -> str:
        """The text so far: of the first sequence, where several were asked for."""
        return self._gathered.text(0)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text so far of each sequence."""
        return tuple(self._gathered.text(sequence) for sequence in range(self._gathered.num_sequences))

    @property
    def finish_reason(self) -> FinishReason | None:
        """Why the first sequence ended; None until it has."""
        return self._gathered.finish_reasons[0]

    @property
    def finish_reasons(self) -> tuple[FinishReason | None, ...]:
        """Why each sequence ended; None until it has."""
        return tuple(self._gathered.finish_reasons)

    @property
    def metadata(self) -> ResponseMetadata:
        """Who writes it, with the seed; where the time went, once it has ended.

        Raises:
            ValueError: nothing has come yet.
        """
        if self._gathered.metadata is None:
            raise ValueError("metadata: nothing has come yet; it is known from the first piece on")
        return self._gathered.metadata

    @property
    def usage(self) -> GenerationUsage:
        """What the call cost.

        Raises:
            ValueError: the end has not come.
        """
        if self._gathered.usage is None:
            raise ValueError("usage: the end has not come; it is known after the last piece")
        return self._gathered.usage


class AsyncTextStream(StreamedText):
    """A text that is written while it is iterated, once: `async for piece in stream`.

    The call begins with the iteration, and leaving the iteration cancels it.

    Args:
        responses: the messages of the call.
        gathered: holds what they say.
    """

    def __init__(self, responses: AsyncGenerator[Response, None], gathered: Gathered) -> None:
        super().__init__(gathered)
        self._responses = responses

    async def __aiter__(self) -> AsyncGenerator[SequencePiece, None]:
        try:
            async for response in self._responses:
                for piece in self._gathered.take(response):
                    yield piece
        finally:
            await self._responses.aclose()

    async def aclose(self) -> None:
        """End the call, if it has not ended."""
        await self._responses.aclose()


class TextStream(StreamedText):
    """A text that is written while it is iterated, once: `for piece in stream`.

    The call begins with the iteration, and leaving the iteration cancels it.

    Args:
        stream: the same for programs with an event loop.
        follow: iterates in another thread.
    """

    def __init__(
        self,
        stream: AsyncTextStream,
        follow: Callable[[AsyncGenerator[SequencePiece, None]], Generator[SequencePiece, None, None]],
    ) -> None:
        super().__init__(stream._gathered)  # noqa: SLF001  the two are one stream
        self._pieces = follow(stream.__aiter__())

    def __iter__(self) -> Generator[SequencePiece, None, None]:
        yield from self._pieces

    def close(self) -> None:
        """End the call, if it has not ended."""
        self._pieces.close()
