"""Where the time of a call that runs several graphs went."""

from dataclasses import dataclass

from podium_server.batching.batcher import Run


@dataclass(slots=True)
class Spent:
    """Seconds of one call or of a piece of it.

    Several graphs one after the other add up; a graph's rows in several runs wait once, as in `Batcher.run`.
    """

    preprocess_s: float = 0.0
    queue_s: float = 0.0
    run_s: float = 0.0
    encode_s: float = 0.0

    @property
    def run(self) -> Run:
        """The waits and runs as one run."""
        return Run((), self.queue_s, self.run_s)

    def ran(self, run: Run, *, waited: bool = True) -> None:
        """Add a run; `waited`: its wait counts, too."""
        self.queue_s += run.queue_s if waited else 0.0
        self.run_s += run.run_s
