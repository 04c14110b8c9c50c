"""The text of one sequence as it is written: whole characters, up to the first stop text."""

from collections.abc import Sequence

from podium_server.text.stops import StopFinder, StopTexts
from podium_server.text.tokens import Writer


class SequenceText:
    """Turns tokens into what may be shown.

    Args:
        writer: makes the text.
        stops: what ends it; None: nothing does.
    """

    def __init__(self, writer: Writer, stops: StopTexts | None = None) -> None:
        self._writer = writer
        self._finder = None if stops is None else StopFinder(stops)

    @property
    def stopped(self) -> bool:
        """Whether a stop text has appeared."""
        return self._finder is not None and self._finder.found

    def write(self, token_ids: Sequence[int]) -> str:
        """Take the next tokens, and give the text that is sure to be part of the whole."""
        piece = self._writer.write(token_ids)
        return piece if self._finder is None else self._finder.feed(piece)

    def finish(self) -> str:
        """Give what was held back, once no token comes any more."""
        rest = self._writer.finish()
        return rest if self._finder is None else self._finder.feed(rest) + self._finder.finish()


class StopWatch:
    """Ends a sequence at its first stop text; a `Watch` for the engine's thread, which shares nothing with others.

    Args:
        text: a text of the watch's own.
    """

    def __init__(self, text: SequenceText) -> None:
        self._text = text

    def ends(self, token_id: int) -> bool:
        """Take the next token, and say whether a stop text is complete with it."""
        self._text.write((token_id,))
        return self._text.stopped
