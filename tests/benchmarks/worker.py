"""A child process that is asked one thing a line: JSON in, JSON out."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any


class Worker:
    """Runs `python -m MODULE ARGUMENTS…`, which must call `answer`, and asks it."""

    def __init__(self, module: str, arguments: Sequence[str] = ()) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    @property
    def pid(self) -> int:
        """The child's process number."""
        return self._process.pid

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask and wait for the answer.

        Raises:
            RuntimeError: when the child ended instead; its own words are on the standard error output.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let the child end."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def answer(respond: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer questions from the standard input until it closes: the child's side of `Worker`."""
    for line in sys.stdin:
        print(json.dumps(respond(json.loads(line))), flush=True)
