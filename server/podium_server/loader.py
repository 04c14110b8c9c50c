"""Loads one version: nothing of it answers before all of it is read, replayed and warm."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.batcher import Batcher
from podium_server.batching.execution import Runnable
from podium_server.errors import PodiumError
from podium_server.generation.described import STEP, describe
from podium_server.generation.generator import Generator
from podium_server.generation.step_compiler import compile_step
from podium_server.graph_loader import GraphLoader, LoadOptions, ReadyGraph
from podium_server.metrics import Metrics
from podium_server.package import MANIFEST, Package, PackageError, read_package
from podium_server.servable import Servable
from podium_server.signature import Signature
from podium_server.signature_match import to_proto
from podium_server.usage import Usage

# What services ask of a package: the folder as read, and what runs each graph, by the graph's name.
Check = Callable[[Package, Mapping[str, tuple[Runnable, Signature]]], None]


class Loader:
    """Loads versions on threads of its own, so that the event loop goes on answering.

    Args:
        options: how graphs are run.
        metrics: where versions count.
        check: raises ValueError where the services could not answer with a package; called before it is served.
    """

    def __init__(self, options: LoadOptions, metrics: Metrics, check: Check | None = None) -> None:
        self._options = options
        self._metrics = metrics
        self._check = check
        self._graphs = GraphLoader(options)
        self._threads = ThreadPoolExecutor(options.num_cores, thread_name_prefix="load")

    async def load(self, name: str, version: int, path: Path) -> Servable:
        """Load one version.

        Raises:
            PackageError: it must not be served; the message says why.
        """
        manifest, graphs = await asyncio.get_running_loop().run_in_executor(self._threads, self._read, path)
        usage = Usage(self._metrics.version(name, version))
        return Servable(
            name=name,
            version=version,
            folder=path,
            manifest=manifest,
            provider=next(iter(graphs.values())).session.provider,
            batchers={key: self._batcher(graph, usage) for key, graph in graphs.items() if graph.step is None},
            generator=self._generator(graphs, usage),
            plans={key: graph.plan for key, graph in graphs.items()},
            usage=usage,
        )

    def stop(self) -> None:
        """Let versions that still wait to be measured fail, so that the server can end."""
        self._graphs.stop()

    def close(self) -> None:
        """End the threads."""
        self.stop()
        self._threads.shutdown()

    def _read(self, path: Path) -> tuple[pb.ModelManifest, dict[str, ReadyGraph]]:
        """Read, replay and warm a version folder; runs on a thread."""
        try:
            package = read_package(path)
            if describe(package.manifest) is not None:
                compile_step(package.manifest)
            graphs = {graph.name: self._graphs.load(package, graph) for graph in package.manifest.graphs}
            if self._check is not None:
                self._check(package, {name: (graph.session, graph.signature) for name, graph in graphs.items()})
        except ValueError as error:
            raise PackageError(f"{MANIFEST}: {error}") from error
        except PodiumError as error:
            raise PackageError(str(error)) from error
        except OSError as error:
            raise PackageError(f"the folder cannot be read: {error}") from error
        manifest = pb.ModelManifest()
        manifest.CopyFrom(package.manifest)
        del manifest.graphs[:]
        manifest.graphs.extend(to_proto(graph, graphs[graph.name].signature) for graph in package.manifest.graphs)
        return manifest, graphs

    def _batcher(self, graph: ReadyGraph, usage: Usage) -> Batcher:
        return Batcher(
            graph.session,
            graph.signature,
            max_batch_rows=graph.plan.max_batch_rows,
            num_sessions=graph.plan.layout.num_sessions,
            max_waiting_rows=self._options.max_waiting_rows,
            max_queue_s=self._options.max_queue_s,
            observer=usage,
        )

    def _generator(self, graphs: Mapping[str, ReadyGraph], usage: Usage) -> Generator | None:
        graph = graphs.get(STEP)
        if graph is None or graph.step is None:
            return None
        return Generator(
            graph.step,
            max_rows=graph.plan.max_batch_rows,
            max_waiting=self._options.max_waiting_rows,
            drain_s=self._options.drain_s,
            max_queue_s=self._options.max_queue_s,
            observer=usage,
        )
