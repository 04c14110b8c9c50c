"""A worker's process, begun by the supervisor alone: `python -m podium_server.workers.worker DESCRIPTOR`."""

import asyncio
import socket
import sys

from podium_server.serving import loop_factory, prepare, serve
from podium_server.start_error import StartError
from podium_server.workers.team import Team


async def work(end: socket.socket) -> int:
    """Serve as one of a team until told to stop, or until the supervisor is gone; the exit status."""
    team = Team()
    settings = await team.join(end)
    prepare(settings)
    try:
        return await serve(settings, team)
    except StartError as error:
        print(f"podium serve: {error}", file=sys.stderr)
        return 1
    finally:
        await team.leave()


def main() -> int:
    """Run a worker; the exit status."""
    end = socket.socket(fileno=int(sys.argv[1]))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work(end))


if __name__ == "__main__":
    sys.exit(main())
