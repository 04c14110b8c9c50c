"""One loaded version: what every service answers with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.batcher import Batcher
from podium_server.generation.job import Engine
from podium_server.occupancy import Occupancy
from podium_server.plan import Plan
from podium_server.usage import Usage


class OwnedEngine(Engine, Protocol):
    """An engine as a version owns it: `podium_server.generation.generator.Generator`, or a fake of it."""

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for theirs now."""
        ...

    @property
    def num_running(self) -> int:
        """Sequences that have rows now."""
        ...

    @property
    def num_waiting(self) -> int:
        """Sequences that wait for rows now."""
        ...

    def stop(self) -> None:
        """Take nothing new, and end every sequence as it stands."""
        ...

    async def close(self) -> None:
        """Take nothing new, let accepted sequences finish as long as the drain lasts, and end."""
        ...


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Servable:
    """A version that is ready to answer.

    Attributes:
        name: the model's name.
        version: 1 or more.
        folder: the version folder, for files that services read themselves, such as a tokenizer's.
        manifest: what the package says of itself, with the signatures of its graphs.
        provider: the execution provider that runs it.
        batchers: by graph name; "model" for packages of one graph.
        plans: how each graph is run, by graph name.
        usage: what it has done so far.
        generator: writes with the graph "step"; None for packages without one.
        occupancy: the calls that work with it.
    """

    name: str
    version: int
    folder: Path
    manifest: pb.ModelManifest
    provider: str
    batchers: Mapping[str, Batcher]
    plans: Mapping[str, Plan]
    usage: Usage
    generator: OwnedEngine | None = None
    occupancy: Occupancy = field(default_factory=Occupancy)

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for a session, over all graphs."""
        written = self.generator.waiting_rows if self.generator is not None else 0
        return written + sum(batcher.waiting_rows for batcher in self.batchers.values())

    def stop_writing(self) -> None:
        """End sequences as they stand: the time that they had to finish is over."""
        if self.generator is not None:
            self.generator.stop()

    async def close(self) -> None:
        """Finish what was accepted, then end the sessions."""
        closing = [batcher.close() for batcher in self.batchers.values()]
        if self.generator is not None:
            closing.append(self.generator.close())
        await asyncio.gather(*closing)
