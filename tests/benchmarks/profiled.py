"""The `podium` command with a profiler of its main thread, where the event loop runs.

Run as `python -m tests.benchmarks.profiled STATS_FILE serve …`. SIGUSR1 starts the profiler; SIGUSR2 stops it and
writes the file.
"""

import cProfile
import signal
import sys
from pathlib import Path

from podium_client.main import main as podium


def main() -> None:
    """Run the command line that follows the file's name."""
    file = Path(sys.argv.pop(1))
    profile = cProfile.Profile()

    def start(_number: int, _frame: object) -> None:
        profile.enable()

    def stop(_number: int, _frame: object) -> None:
        profile.disable()
        profile.dump_stats(file.with_suffix(".part"))
        file.with_suffix(".part").rename(file)

    signal.signal(signal.SIGUSR1, start)
    signal.signal(signal.SIGUSR2, stop)
    podium(prog_name="podium")


if __name__ == "__main__":
    main()
