"""`python -m tests.security.fuzz`: attack, report, exit with 1 where anything was found."""

import asyncio
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from grpc import aio

from tests.security.fuzz.attack import Attack, Outcome
from tests.security.fuzz.methods import find_methods
from tests.security.fuzz.models import write_repository
from tests.security.fuzz.process import Attacked, serve

# What the process may hold more at the end than after a fifth of the calls: caches, and pieces of the arena.
GROWN_BYTES = 48 * 2**20
MORE_FILES = 4
PARTS = 50  # after each, what was unloaded is loaded again


async def attack(server: Attacked, models: Sequence[str], calls: int, seed: int) -> Outcome:
    """Send calls, and look at the server before, between and after."""
    methods = find_methods(server.address)
    channel = aio.insecure_channel(server.address, options=[("grpc.max_receive_message_length", -1)])
    async with channel:
        attacking = Attack(channel, methods, seed)
        await attacking.valid()
        memory, files = 0, 0
        for part in range(PARTS):
            await attacking.run(calls // PARTS)
            await attacking.restore(models)
            if part == PARTS // 5 - 1:
                memory, files = server.memory_bytes(), server.num_files()
        outcome = attacking.outcome
        grown, more = server.memory_bytes() - memory, server.num_files() - files
        await attacking.valid()
    print(
        f"memory {memory / 2**20:.0f} MiB after a fifth of the calls, {grown / 2**20:+.1f} MiB since; files {more:+d}"
    )
    if grown > GROWN_BYTES:
        outcome.faults.append(f"memory grew by {grown / 2**20:.0f} MiB after the first fifth of the calls")
    if more > MORE_FILES:
        outcome.faults.append(f"{more} more files are open than after the first fifth of the calls")
    return outcome


def judge(server: Attacked, outcome: Outcome) -> None:
    """Add what the server itself shows."""
    if server.process.poll() is not None:
        end = "\n".join(server.log.read_text().splitlines()[-30:])
        outcome.faults.insert(0, f"the server ended with {server.process.returncode}:\n{end}")
        return
    if "ready" not in server.page("/readyz"):
        outcome.faults.append("the server is not ready")
    outcome.faults += [f"in the log: {trace}" for trace in _traces(server.log.read_text().splitlines())]


def _traces(lines: Sequence[str]) -> Iterator[str]:
    """Every trace of a log, with the line before it; not those that gRPC writes of a caller who left meanwhile."""
    for at, line in enumerate(lines):
        before = lines[max(at - 1, 0)]
        if line.startswith("Traceback") and "ExecuteBatchError raised in core" not in before:
            after = itertools.takewhile(lambda each: not each.startswith("20"), lines[at:])
            text = "\n".join([before, *after])
            if "ExecuteBatchError" not in text:
                yield text[:3000]


def show(outcome: Outcome) -> None:
    """Print what came of the calls."""
    codes = Counter[str]()
    for (_, code), count in outcome.codes.items():
        codes[code] += count
    for name in sorted({name for name, _ in outcome.codes}):
        ended = ", ".join(f"{code} {n:,}" for (of, code), n in sorted(outcome.codes.items()) if of == name)
        print(f"  {name}: {ended}")
    print(", ".join(f"{code} {count:,}" for code, count in codes.most_common()))
    for fault, count in list(Counter(outcome.faults).items())[:20]:
        print(f"FAULT ({count} times) {fault}")


@click.command()
@click.option("--calls", default=200_000, show_default=True, help="Calls to send.")
@click.option("--seed", default=1, show_default=True, help="Of all choices.")
def main(calls: int, seed: int) -> None:
    """Send mutated requests of every RPC to a real server, and tell what they found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_repository(folder / "repository")
        models = sorted(path.name for path in (folder / "repository").iterdir())
        began = time.monotonic()
        with serve(folder / "repository", folder) as server:
            outcome = asyncio.run(attack(server, models, calls, seed))
            judge(server, outcome)
        if server.process.returncode != 0:
            outcome.faults.append(f"the server ended with {server.process.returncode}")
        show(outcome)
        print(
            f"{sum(outcome.codes.values()):,} calls in {time.monotonic() - began:.0f} s; {len(outcome.faults)} faults"
        )
    sys.exit(1 if outcome.faults else 0)


if __name__ == "__main__":
    main()
