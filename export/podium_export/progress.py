"""Shows what takes time, on the error stream: a spinner for people, a line a step for logs."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console


class Progress(Protocol):
    """What an export tells whoever waits for it."""

    def step(self, doing: str) -> None:
        """Begin a step, such as "Tracing model"; the one before it is done."""
        ...

    def detail(self, text: str) -> None:
        """Say what the step is at, such as "batch 8, large inputs"."""
        ...


class Silence:
    """Shows nothing."""

    def step(self, doing: str) -> None:
        """Show nothing."""

    def detail(self, text: str) -> None:
        """Show nothing."""


class _Terminal:
    """Shows the running step with a spinner where there is a terminal, and each finished one with its seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._doing = ""
        self._since = 0.0
        self._status = console.status("")

    def step(self, doing: str) -> None:
        """Begin a step."""
        self.finish()
        self._doing, self._since = doing, time.monotonic()
        self._status.update(f"{doing} …")
        if self._console.is_terminal:
            self._status.start()

    def detail(self, text: str) -> None:
        """Say what the step is at."""
        self._status.update(f"{self._doing}: {text}")

    def finish(self, mark: str = "[green]✓[/]") -> None:
        """End the running step, if there is one."""
        if self._doing:
            seconds = time.monotonic() - self._since
            self._status.stop()
            self._console.print(f"{mark} {self._doing} [dim]{seconds:.1f} s[/]", highlight=False)
            self._doing = ""


@contextmanager
def on_terminal() -> Generator[Progress]:
    """Show progress on the error stream as it is now: the tracer's own output is caught while it runs."""
    terminal = _Terminal(Console(file=sys.stderr))
    try:
        yield terminal
    except BaseException:
        terminal.finish("[red]✗[/]")
        raise
    terminal.finish()
