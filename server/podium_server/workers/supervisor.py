"""`podium serve --workers N`: begins the workers, begins again those that die, speaks for all, ends them together."""

import asyncio
import base64
import contextlib
import logging
import pickle
import signal
import sys
import time
from typing import Any

from prometheus_client import Metric

from podium_server.errors import LoadFailed, PodiumError
from podium_server.logs import set_up_logs
from podium_server.settings import Settings
from podium_server.workers.line import LineClosed
from podium_server.workers.page import counted, from_json, merge, team_page, to_json
from podium_server.workers.patience import Patience
from podium_server.workers.process import WorkerProcess, cause_of
from podium_server.workers.reservation import PortTaken, Reservation, reserve
from podium_server.workers.shares import share_of, writable

log = logging.getLogger(__name__)

# Beyond the time that accepted calls get: what still runs then is killed.
EXTRA_S = 15.0


class Supervisor:
    """A team of workers; used in one event loop.

    Args:
        settings: the whole server's.
        ports: what they listen on.
    """

    def __init__(self, settings: Settings, ports: Reservation) -> None:
        self._settings = settings
        self._ports = ports
        self._orders = share_of(settings, ports.grpc_port, ports.http_port, writable(settings.cache_dir))
        self._workers: dict[int, WorkerProcess] = {}
        self._gone: list[Metric] = []
        self._restarts = 0
        self._served = False
        self._statuses: list[int] = []
        self._stopping = asyncio.Event()
        self._became_ready = asyncio.Event()
        self._changing = asyncio.Lock()

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        async with asyncio.TaskGroup() as group:
            # What is to be measured again is measured by the first one alone; the others remember that.
            first = group.create_task(self._keep(0))
            if self._settings.remeasure:
                await self._until_ready(1)
                self._orders = self._orders.model_copy(update={"remeasure": False})
            others = [group.create_task(self._keep(number)) for number in range(1, self._settings.workers)]
            await self._until_ready(self._settings.workers)
            if not self._stopping.is_set():
                self._served = True
                print(f"podium: serving gRPC on {self._ports.grpc}, HTTP on {self._ports.http}", flush=True)
            await self._stopping.wait()
            log.info("shutting down %d workers", len(self._workers))
            await self._end([first, *others])
        return max(self._statuses, default=0)

    async def _keep(self, number: int) -> None:
        """Have one worker run, and another one in its place when it dies, until all are to stop."""
        patience = Patience()
        while not self._stopping.is_set():
            worker = WorkerProcess(number, self._answer)
            await worker.start()
            self._workers[number] = worker
            status = await worker.ended()
            del self._workers[number]
            self._gone = merge([self._gone, counted(worker.page)])
            if self._stopping.is_set():
                self._statuses.append(0 if status in (0, -signal.SIGTERM) else 1)  # it may not have begun to listen
                return
            if status > 0 and not self._served and not worker.ready:
                self._statuses.append(status)  # it has said why: a device that is not there, a file that is wrong
                self._stopping.set()
                return
            delay_s = patience.delay_s(time.monotonic() - worker.began)
            when = f"in {delay_s:g} s" if delay_s else "now"
            log.error("worker %d (process %d) %s; it is begun again %s", number, worker.pid, cause_of(status), when)
            self._restarts += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _until_ready(self, count: int) -> None:
        """Wait until so many workers are ready, or all are to stop."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        while not self._stopping.is_set() and sum(worker.ready for worker in self._workers.values()) < count:
            self._became_ready.clear()
            ready = asyncio.ensure_future(self._became_ready.wait())
            await asyncio.wait([ready, stopping], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
        stopping.cancel()

    async def _end(self, tasks: list["asyncio.Task[None]"]) -> None:
        """Have every worker finish what it accepted; who does not within the limit is killed."""
        for worker in self._workers.values():
            worker.send(signal.SIGTERM)
        await asyncio.wait(tasks, timeout=self._settings.drain_s + EXTRA_S)
        for worker in list(self._workers.values()):
            log.error("worker %d (process %d) does not end: it is killed", worker.number, worker.pid)
            worker.send(signal.SIGKILL)

    async def _answer(self, worker: WorkerProcess, question: str, content: Any) -> Any:
        """Answer what a worker asks."""
        match question:
            case "settings":
                return base64.b64encode(pickle.dumps(self._orders)).decode()
            case "ready":
                worker.ready = True
                self._became_ready.set()
                log.info("worker %d (process %d) is ready", worker.number, worker.pid)
            case "all ready":
                return await self._all_ready()
            case "whole page":
                return to_json(await self._whole_page())
            case "last page":
                worker.page = from_json(content)
            case "unloaded":
                return await self._unloaded(worker)
            case "change":
                await self._change(worker, content["mine"], content["theirs"])
            case _:
                raise ValueError(question)
        return None

    async def _all_ready(self) -> bool:
        workers = list(self._workers.values())
        standing = await asyncio.gather(*(worker.stands_ready() for worker in workers))
        return len(workers) == self._settings.workers and all(standing)

    async def _whole_page(self) -> list[Metric]:
        """Everybody's metrics, those of workers who have ended, and our own."""
        pages = await asyncio.gather(*(worker.look() for worker in self._workers.values()))
        ready = sum(worker.ready for worker in self._workers.values())
        return merge([self._gone, *pages, team_page(self._settings.workers, ready, self._restarts)])

    async def _unloaded(self, asking: WorkerProcess) -> list[str]:
        """The models that somebody has unloaded, as another worker knows."""
        for worker in list(self._workers.values()):
            if worker is not asking and worker.ready:
                with contextlib.suppress(LineClosed, TimeoutError):
                    return list(await worker.ask("unloaded"))
        return []

    async def _change(self, asking: WorkerProcess, mine: list[Any], theirs: list[Any]) -> None:
        """Change something in every worker: the one that was asked, then the others; nothing else meanwhile.

        Raises:
            PodiumError: what the worker raised that was asked.
            LoadFailed: it has changed, and another worker could not.
        """
        async with self._changing:
            failed: list[str] = []
            try:
                await asking.line.ask("change", mine)
            finally:
                others = [worker for worker in self._workers.values() if worker is not asking]
                results = await asyncio.gather(
                    *(worker.line.ask("change", theirs) for worker in others), return_exceptions=True
                )
                for worker, result in zip(others, results, strict=True):
                    if isinstance(result, PodiumError) and worker.ready:  # who begins reads all of it anyway
                        log.error("worker %d could not %s %s: %s", worker.number, theirs[0], theirs[1], result)
                        failed.append(f"worker {worker.number}: {result}")
            if failed:
                raise LoadFailed(f"'{theirs[1]}' has changed in some workers and not in others: {'; '.join(failed)}")


def run(settings: Settings) -> int:
    """Run a team in this process and its children; the exit status: 0 after a clean end, 1 when it could not start."""
    set_up_logs(settings.log_level, settings.log_format)
    try:
        with reserve(settings.host, settings.grpc_port, settings.http_port) as ports:
            return asyncio.run(_run(settings, ports))
    except PortTaken as error:
        print(f"podium serve: {error}", file=sys.stderr)
        return 1


async def _run(settings: Settings, ports: Reservation) -> int:
    return await Supervisor(settings, ports).run()
