"""How a translator reads texts: as tokens, padded to a length that depends on each text alone.

Shapes: N sources, T tokens of a padded source.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.errors import InvalidArgument
from podium_server.padding import padded_length
from podium_server.signature import Signature
from podium_server.text.tokenizer import Tokenizer

SOURCE, LENGTH = "source", "source_length"


class SourceReader:
    """Reads texts into rows of an encoder's inputs.

    Args:
        tokenizer: of the source language.
        encoder: the encoder's signature.
        max_tokens: the most tokens of a source, start and end included; None: any number.

    Raises:
        ValueError: the encoder does not read texts; the message begins with the graph.
    """

    def __init__(self, tokenizer: Tokenizer, encoder: Signature, max_tokens: int | None) -> None:
        self.tokenizer = tokenizer
        self._order = [spec.name for spec in encoder.inputs]
        inputs = {spec.name: spec for spec in encoder.inputs}
        ranks = {name: (spec.element.oip, len(spec.shape)) for name, spec in inputs.items()}
        if ranks != {SOURCE: ("INT64", 2), LENGTH: ("INT64", 1)}:
            raise ValueError(
                f"graph 'encoder' has the inputs {ranks}; that of a translator has '{SOURCE}' (batch, source_time) and "
                f"'{LENGTH}' (batch), both INT64"
            )
        fixed = inputs[SOURCE].shape[1]
        self.fixed_length = fixed if isinstance(fixed, int) else None
        self.max_tokens = min((n for n in (self.fixed_length, max_tokens) if n), default=None)

    def read(self, text: str, field: str, *, replace_unknown: bool) -> list[int]:
        """Cut a text into tokens, start and end included.

        Args:
            text: the text.
            field: its path in the request.
            replace_unknown: as in `Tokenizer.encode`.

        Raises:
            InvalidArgument: it has nothing to translate, too much, or what has no token.
        """
        ids = self.tokenizer.encode(text, field, replace_unknown=replace_unknown)
        if not ids:
            raise InvalidArgument(f"{field}: has nothing to translate; give a text of one token or more", field)
        source = [*self.tokenizer.start_ids, *ids, *self.tokenizer.end_ids]
        if self.max_tokens is not None and len(source) > self.max_tokens:
            raise InvalidArgument(
                f"{field}: has {len(source)} tokens, start and end included; this model reads at most "
                f"{self.max_tokens}: send it in parts",
                field,
            )
        return source

    def padded_length(self, source: Sequence[int]) -> int:
        """How many tokens a source is padded to: a matter of the source alone, so that its answer is one too."""
        return self.fixed_length or padded_length(len(source), self.max_tokens)

    def feed(self, sources: Sequence[Sequence[int]], length: int) -> tuple[NDArray[Any], ...]:
        """Stack sources, in the order of the graph's inputs.

        Args:
            sources: N of them.
            length: T, what each is padded to with zeros.
        """
        tokens = np.zeros((len(sources), length), np.int64)
        for row, source in zip(tokens, sources, strict=True):
            row[: len(source)] = source
        feeds = {SOURCE: tokens, LENGTH: np.array([len(source) for source in sources], np.int64)}
        return tuple(feeds[name] for name in self._order)
