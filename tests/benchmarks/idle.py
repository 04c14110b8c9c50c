"""What a server costs that nobody calls: `python -m tests.benchmarks.idle`.

A server of ten models, one of each task and more, answers every kind of call once; then nobody calls, and the kernel's
count of its processor time is read again after a while. The aim: less than one part in a hundred of a core.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import click
from grpc import aio
from podium_client.demo.server_process import ServerProcess, serving

from tests.benchmarks.processor import family, processor_seconds
from tests.server.versions.every_task import MODELS, write_all
from tests.server.versions.load import Load, callers

_SETTLE_S = 2.0


async def _call_once(address: str) -> None:
    """Make every kind of call once, so that nothing is left to do at the first one."""
    load = Load(stopping_after=1)
    async with aio.insecure_channel(address) as channel:
        await asyncio.gather(*callers(channel, load))
    if load.failures:
        raise click.ClickException("\n".join(load.failures))


def _wakings(server: ServerProcess) -> int:
    """How often threads of the server have waited for something and were woken."""
    tasks = [task for pid in family(server.process.pid) for task in Path(f"/proc/{pid}/task").iterdir()]
    lines = [line for task in tasks for line in (task / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


@click.command()
@click.option("--seconds", default=30.0, show_default=True, help="That nobody calls.")
@click.option("--rounds", default=3, show_default=True, help="How often that is measured.")
def main(seconds: float, rounds: int) -> None:
    """Measure what an idle server of ten models costs."""
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "models"
        write_all(repository)
        with serving(repository, Path(folder) / "log") as server:
            asyncio.run(_call_once(server.addresses.grpc))
            time.sleep(_SETTLE_S)
            click.echo(f"{len(MODELS)} models: {', '.join(MODELS)}")
            for _ in range(rounds):
                began, used, woken = time.monotonic(), processor_seconds(server.process.pid), _wakings(server)
                time.sleep(seconds)
                took = time.monotonic() - began
                share = (processor_seconds(server.process.pid) - used) / took
                click.echo(f"{took:.1f} s: {share:.2%} of a core, {(_wakings(server) - woken) / took:.1f} wakings/s")
            server.stop()


if __name__ == "__main__":
    main()
