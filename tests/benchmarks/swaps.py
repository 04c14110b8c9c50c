"""What new versions cost those who call meanwhile: `python -m tests.benchmarks.swaps`.

A server of a small model of each task is called by one caller of each RPC that runs one: for a while as it is, then
while new versions of one model after the other are published and swapped in, then as it is once more. The aim: no
failed call, and a 99th percentile within 1.5 times the steady one's.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import click
import numpy as np
from grpc import aio
from podium_client import AsyncClient
from podium_client.demo.server_process import serving

from tests.server.versions.every_task import MODELS, write_all
from tests.server.versions.load import Load, callers


async def _swap(client: AsyncClient, repository: Path, versions: Sequence[int]) -> None:
    """Publish version after version of one model after the other, each when the one before it answers."""
    for version in versions:
        for name in MODELS:
            hidden = repository / f".{name}"
            await asyncio.to_thread(shutil.copytree, repository / name / "1", hidden)
            hidden.rename(repository / name / str(version))
            while (await client.model(name)).version.version != version:  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.05)


async def _during(address: str, work: Callable[[AsyncClient], Awaitable[None]]) -> Load:
    """Call everything while something is done."""
    load = Load()
    async with aio.insecure_channel(address) as channel, AsyncClient(address) as client:
        calling = [asyncio.ensure_future(caller) for caller in callers(channel, load)]
        await work(client)
        load.stopping = True
        await asyncio.gather(*calling)
    return load


def _p99_ms(load: Load, kind: str) -> float:
    return float(np.percentile(load.seconds[kind], 99)) * 1e3


@click.command()
@click.option("--swaps", default=20, show_default=True, help="Versions to publish of each model.")
@click.option("--seconds", default=15.0, show_default=True, help="Of each steady time.")
def main(swaps: int, seconds: float) -> None:
    """Measure what new versions cost callers."""

    async def steady(_: AsyncClient) -> None:
        await asyncio.sleep(seconds)

    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "models"
        write_all(repository)
        for name in MODELS:
            (repository / name / "serving.json").write_text('{"versions": "latest"}')

        async def swapping(client: AsyncClient) -> None:
            await _swap(client, repository, range(2, swaps + 2))

        with serving(repository, Path(folder) / "log") as server:
            loads = [asyncio.run(_during(server.addresses.grpc, work)) for work in (steady, steady, swapping, steady)]
            server.stop()
    _, before, during, after = loads  # the first warms everything up
    click.echo(f"failed calls: {sum(len(load.failures) for load in loads)}")
    click.echo(f"{'99th percentile, ms':26}{'before':>8}{'swaps':>8}{'after':>8}{'ratio':>8}")
    for kind in sorted(before.seconds):
        numbers = [_p99_ms(load, kind) for load in (before, during, after)]
        ratio = 2 * numbers[1] / (numbers[0] + numbers[2])
        click.echo(f"{kind:26}" + "".join(f"{number:8.1f}" for number in numbers) + f"{ratio:8.2f}")


if __name__ == "__main__":
    main()
