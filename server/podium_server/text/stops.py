"""Finds stop texts in a text that comes in pieces, one step a character however many there are.

Source: Aho and Corasick, "Efficient string matching", Communications of the ACM 18(6), 1975.
"""

from collections import deque
from collections.abc import Sequence


class StopTexts:
    """The automaton of some stop texts; may be shared.

    Its states are the beginnings of stop texts, 0 the empty one. After any text it is in the longest of them that the
    text ends with: that much of the text may still become a stop text.

    Args:
        texts: 1 or more, none empty.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._shorter: list[int] = [0]
        self.depths: list[int] = [0]
        self.matches: list[int] = [0]
        for text in texts:
            self.matches[self._add(text)] = len(text)
        self._link()

    def step(self, state: int, char: str) -> int:
        """Go on by one character."""
        while True:
            following = self._next[state].get(char)
            if following is not None:
                return following
            if not state:
                return 0
            state = self._shorter[state]

    def _add(self, text: str) -> int:
        state = 0
        for char in text:
            following = self._next[state].get(char)
            if following is None:
                following = len(self._next)
                self._next[state][char] = following
                self._next.append({})
                self._shorter.append(0)
                self.depths.append(self.depths[state] + 1)
                self.matches.append(0)
            state = following
        return state

    def _link(self) -> None:
        """Point each state to the longest shorter one that it ends with, which may end with a stop text itself."""
        waiting = deque(self._next[0].values())
        while waiting:
            state = waiting.popleft()
            self.matches[state] = self.matches[state] or self.matches[self._shorter[state]]
            for char, following in self._next[state].items():
                self._shorter[following] = self.step(self._shorter[state], char)
                waiting.append(following)


class StopFinder:
    """Lets a text through up to its first stop text: the one that is complete first, the longest if several are then.

    Args:
        stops: the stop texts.

    Attributes:
        found: whether one has appeared; nothing is let through any more.
    """

    def __init__(self, stops: StopTexts) -> None:
        self._stops = stops
        self._state = 0
        self._held = ""
        self.found = False

    def feed(self, piece: str) -> str:
        """Take the next piece, and give what cannot become part of a stop text any more."""
        if self.found:
            return ""
        text, stops, state = self._held + piece, self._stops, self._state
        for position, char in enumerate(piece, len(self._held) + 1):
            state = stops.step(state, char)
            if stops.matches[state]:
                self.found, self._held = True, ""
                return text[: position - stops.matches[state]]
        self._state = state
        sure = len(text) - stops.depths[state]
        self._held = text[sure:]
        return text[:sure]

    def finish(self) -> str:
        """Give what was held back, once no piece comes any more."""
        held, self._held = self._held, ""
        return held
