"""A repository of real small packages, and a catalogue that loads it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from podium_server.catalogue import Catalogue
from podium_server.graph_loader import LoadOptions
from podium_server.lifecycle import Residence
from podium_server.loader import Loader
from podium_server.metrics import Metrics
from podium_server.plan import Layout
from podium_server.runtime.devices import parse_device
from podium_server.versions.policy import parse_policy

MakeLoader = Callable[..., Loader]
MakeCatalogue = Callable[..., Catalogue]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """An empty repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def metrics() -> Metrics:
    """Series of this test's own."""
    return Metrics()


@pytest.fixture
def make_loader(tmp_path: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeLoader]:
    """Make loaders for one core of the CPU, of runs of up to four rows unless told otherwise."""
    monkeypatch.setattr("podium_server.warmup.MEASURE_S", 0.001)  # which plan comes out is no test's business here
    made: list[Loader] = []

    def make(**options: Any) -> Loader:
        usual: dict[str, Any] = {
            "device": parse_device("cpu"),
            "num_cores": 1,
            "max_waiting_rows": 100,
            "memory_folder": tmp_path,
            "max_batch_rows": 4,
            "layout": Layout(1, 1),
        }
        loader = Loader(LoadOptions(**(usual | options)), metrics)
        made.append(loader)
        return loader

    yield make
    for loader in made:
        loader.close()


@pytest.fixture
async def make_catalogue(repository: Path, metrics: Metrics, make_loader: MakeLoader) -> AsyncIterator[MakeCatalogue]:
    """Make catalogues of the repository; at the end everything they loaded is unloaded."""
    made: list[Catalogue] = []

    def make(policy: str = "all", memory_bytes: int | None = None, drain_s: float = 30.0, **options: Any) -> Catalogue:
        load = make_loader(drain_s=drain_s, **options).load
        catalogue = Catalogue(repository, parse_policy(policy), load, metrics, Residence(memory_bytes, drain_s))
        made.append(catalogue)
        return catalogue

    yield make
    for catalogue in made:
        await catalogue.close()
