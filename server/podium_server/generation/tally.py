"""What the engine did between two hand-overs: counted on its thread, read in the event loop."""

from dataclasses import dataclass, field
from typing import Protocol

from podium_server.generation.job import Finish


@dataclass(slots=True)
class Runs:
    """Runs of one size: how many, and seconds inside the execution provider."""

    count: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counts.

    Attributes:
        steps: decode runs by their number of rows.
        prefills: runs that read prompts, by their number of rows.
        prefill_tokens: tokens that those read.
        decode_tokens: tokens that decode runs read.
        prompt_tokens: of sequences whose prompt was read to its end.
        output_tokens: chosen.
        first_token_s: seconds from arrival to first token, of each sequence that had its first.
        gaps: seconds between tokens: the mean over the tokens of a sequence that were handed over together, and how
            many they were.
        finished: sequences that ended, by reason.
        failed: sequences that the model failed on.
    """

    steps: dict[int, Runs] = field(default_factory=dict[int, Runs])
    prefills: dict[int, Runs] = field(default_factory=dict[int, Runs])
    prefill_tokens: int = 0
    decode_tokens: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    first_token_s: list[float] = field(default_factory=list[float])
    gaps: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    finished: dict[Finish, int] = field(default_factory=dict[Finish, int])
    failed: int = 0

    def ran(self, runs: dict[int, Runs], rows: int, seconds: float) -> None:
        """Count one run."""
        entry = runs.get(rows)
        if entry is None:
            entry = runs[rows] = Runs()
        entry.count += 1
        entry.seconds += seconds


class GenerationObserver(Protocol):
    """Who is told what the engine did; called in the event loop."""

    def stepped(self, tally: Tally) -> None:
        """Take the counts since the last call."""
        ...

    def refused(self) -> None:
        """A request found no room."""
        ...

    def expired(self) -> None:
        """A sequence's deadline passed."""
        ...

    def cancelled(self) -> None:
        """A caller left before the end of a sequence."""
        ...
