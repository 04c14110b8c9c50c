"""How the sequences of a call start: with a prompt, a picture or a source; the three tasks differ in this alone."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_pb2

from podium_server.batching.run_rows import run_rows
from podium_server.call import Call
from podium_server.errors import InvalidArgument
from podium_server.generation.described import ENCODER
from podium_server.generation.job import Start
from podium_server.imaging.pool import ImagePool
from podium_server.servable import Servable
from podium_server.spent import Spent
from podium_server.text.text_model import TextModel

# Cut into tokens in the event loop: about a millisecond.
INLINE_CHARACTERS = 4096
# More of them are not even looked at.
CHARACTERS_A_TOKEN = 16


class Read(Protocol):
    """What cuts a text into tokens."""

    def __call__(self, text: str, field: str, *, replace_unknown: bool) -> list[int]:
        """Cut it."""
        ...


class Intake:
    """Reads what a call brings, and keeps where the time went.

    Args:
        call: the call.
        servable: who answers.
        model: compiled from the version.
        max_tokens: the most tokens that a call may bring.
        pool: reads pictures.

    Attributes:
        spent: seconds until sequences start.
        num_read: tokens of prompts and sources, start and end included.
    """

    def __init__(self, call: Call, servable: Servable, model: TextModel, max_tokens: int, pool: ImagePool) -> None:
        self.spent = Spent()
        self.num_read = 0
        self._call = call
        self._servable = servable
        self._model = model
        self._max_tokens = max_tokens
        self._pool = pool

    async def read_text(self, text: str, field: str, *, least: int, room: int, replace_unknown: bool) -> list[int]:
        """Cut a text to continue, or to score, into tokens; the start of every sequence comes before it.

        Args:
            text: the text.
            field: its path in the request.
            least: the fewest tokens that it must have, start included.
            room: tokens that are to be written after it, at least.
            replace_unknown: as in `Tokenizer.encode`.

        Raises:
            InvalidArgument: it is too short or too long, or has what has no token.
        """
        began = time.monotonic()
        tokenizer = self._model.tokenizer
        encoded = await self._cut(tokenizer.encode, text, field, replace_unknown=replace_unknown)
        ids = [*tokenizer.start_ids, *encoded]
        self._count(ids, field)
        if len(ids) < least:
            start = "the model's start included" if tokenizer.start_ids else "for the model has no start"
            raise InvalidArgument(f"{field}: has {_tokens(len(ids))}; it must have {least} or more, {start}", field)
        if self._model.max_tokens is not None and len(ids) + room > self._model.max_tokens:
            raise InvalidArgument(
                f"{field}: has {_tokens(len(ids))}, start included; this model takes at most "
                f"{self._model.max_tokens - room}",
                field,
            )
        self.spent.preprocess_s += time.monotonic() - began
        return ids

    async def read_sources(self, texts: Sequence[str], *, replace_unknown: bool) -> list[Start]:
        """Encode the texts of a request's field `texts`: those that are padded alike share runs.

        Raises:
            InvalidArgument: one is empty, too long, or has what has no token.
            PodiumError: as `Batcher.run`.
        """
        assert self._model.source is not None, "only translators read sources"
        began, reader = time.monotonic(), self._model.source
        sources: list[list[int]] = []
        by_length: dict[int, list[int]] = {}
        for i, text in enumerate(texts):
            source = await self._cut(reader.read, text, f"texts[{i}]", replace_unknown=replace_unknown)
            self._count(source, f"texts[{i}]")
            by_length.setdefault(reader.padded_length(source), []).append(i)
            sources.append(source)
        self.spent.preprocess_s += time.monotonic() - began
        starts: dict[int, Start] = {}
        for length, indices in sorted(by_length.items()):
            encoded = await self._encode(reader.feed([sources[i] for i in indices], length))
            starts |= zip(indices, encoded, strict=True)
        return [starts[i] for i in range(len(texts))]

    async def read_pictures(
        self, images: Sequence[image_pb2.Image], fields: Sequence[str] | None = None
    ) -> list[Start]:
        """Decode and encode pictures.

        Args:
            images: 1 or more.
            fields: their paths in the request; None for those of its field `images`.

        Raises:
            PodiumError: as `ImagePool.read` and `Batcher.run`.
        """
        assert self._model.reader is not None, "only captioners read pictures"
        began = time.monotonic()
        with self._servable.batchers[ENCODER].reserve(len(images)):
            rows = await self._pool.read(self._model.reader, images, fields=fields, deadline=self._call.deadline)
        self.num_read += len(images) * len(self._model.tokenizer.start_ids)
        self.spent.preprocess_s += time.monotonic() - began
        return await self._encode((rows,))

    async def _encode(self, inputs: tuple[NDArray[Any], ...]) -> list[Start]:
        """Run the encoder on rows of equal shape: how a sequence of each starts."""
        run = await run_rows(self._servable.batchers[ENCODER], inputs, deadline=self._call.deadline)
        self.spent.ran(run)
        prompt = as_array(self._model.tokenizer.start_ids)
        rows = self._model.start_rows
        return [Start(prompt, rows.of(run.outputs, i)) for i in range(len(inputs[0]))]

    async def _cut(self, read: Read, text: str, field: str, *, replace_unknown: bool) -> list[int]:
        """Cut a text into tokens, a long one on a thread."""
        most = CHARACTERS_A_TOKEN * self._max_tokens
        if len(text) > most:
            raise InvalidArgument(
                f"{field}: has {len(text)} characters; this server reads at most {self._max_tokens} tokens in a call, "
                f"and {CHARACTERS_A_TOKEN} characters for each",
                field,
            )
        if len(text) <= INLINE_CHARACTERS:
            return read(text, field, replace_unknown=replace_unknown)
        return await asyncio.to_thread(read, text, field, replace_unknown=replace_unknown)

    def _count(self, ids: Sequence[int], field: str) -> None:
        """Count what was read, and refuse what is too much for one call."""
        self.num_read += len(ids)
        if self.num_read > self._max_tokens:
            raise InvalidArgument(
                f"{field}: brings the call to {self.num_read} tokens, start and end included; this server reads at "
                f"most {self._max_tokens} in a call",
                field,
            )


def as_array(ids: Sequence[int]) -> NDArray[np.int64]:
    """Hold tokens as the engine takes them."""
    return np.array(ids, np.int64)


def _tokens(number: int) -> str:
    return "1 token" if number == 1 else f"{number} tokens"
