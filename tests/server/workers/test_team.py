"""Several workers as operators have them: real processes, real signals, clients that do not stop."""

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from grpc import StatusCode, aio
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs

from tests.server.callers import Callers, call, open_channel, request
from tests.server.packages import scaled, write_onnx

PROGRAM = "from podium_client.main import main; main(prog_name='podium')"
WORKERS = 2
CONNECTIONS = 16  # the chance that all are one worker's is 1 in 32,768


class Team:
    """A `podium serve --workers` process."""

    def __init__(self, models: Path, cache: Path, *flags: str) -> None:
        command = [sys.executable, "-c", PROGRAM, "serve", str(models), "--workers", str(WORKERS)]
        usual = ["--grpc-port", "0", "--http-port", "0", "--cores", "2", "--cache-dir", str(cache)]
        self.process = subprocess.Popen(
            [*command, *usual, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.address = self.http = ""

    def wait_until_ready(self) -> None:
        """Wait for the line that says where it serves."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.fullmatch(r"podium: serving gRPC on (\S+), HTTP on (\S+)\n", line)
        assert match, line or (self.process.stderr and self.process.stderr.read())
        self.address, self.http = match.groups()

    def wait_for_log(self, pattern: str) -> "re.Match[str]":
        """Read the log up to a line."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"the log ended without {pattern}")

    def workers(self) -> list[int]:
        """The numbers of the workers' processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(number) for number in children.split()]

    def page(self, path: str) -> str:
        """A page of the HTTP port, whichever worker it comes from."""
        with urlopen(f"http://{self.http}/{path}", timeout=60) as response:
            return str(response.read().decode())

    def count(self, series: str) -> float:
        """The value of a series on the page."""
        return float(re.findall(rf"^{re.escape(series)} (\S+)$", self.page("metrics"), re.MULTILINE)[0])


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A repository of y = 2x."""
    write_onnx(tmp_path / "models" / "double" / "1", scaled())
    return tmp_path / "models"


@pytest.fixture
def start(models: Path, tmp_path: Path) -> Iterator[Callable[..., Team]]:
    """Start teams; what still runs at the end is ended."""
    teams: list[Team] = []

    def start(*flags: str) -> Team:
        teams.append(Team(models, tmp_path / "cache", *flags))
        return teams[-1]

    yield start
    for team in teams:
        team.process.send_signal(signal.SIGTERM)
        try:
            team.process.communicate(timeout=60)
        finally:
            team.process.kill()


@pytest.fixture
def team(start: Callable[..., Team]) -> Team:
    """A team that is ready."""
    team = start()
    team.wait_until_ready()
    return team


@pytest.fixture
async def channels(team: Team) -> AsyncIterator[list[aio.Channel]]:
    """Connections, spread over the workers by the system."""
    channels = [open_channel(team.address) for _ in range(CONNECTIONS)]
    yield channels
    await asyncio.gather(*(channel.close() for channel in channels))


async def codes(channels: list[aio.Channel]) -> set[StatusCode]:
    """How a call of the model ends over each of the connections."""
    answers = await asyncio.gather(*(call(each, request()) for each in channels), return_exceptions=True)
    return {each.code() if isinstance(each, aio.AioRpcError) else StatusCode.OK for each in answers}


OK_CALLS = (
    'podium_requests_total{code="OK",limit="",method="inference.GRPCInferenceService.ModelInfer",model="double",'
    'version="1"}'
)


async def test_a_killed_worker_takes_its_calls_in_flight_alone(team: Team) -> None:
    """Calls in flight there end as UNAVAILABLE; then the team is whole again, and no counter has fallen.

    A caller may lose two: the system closes a killed process's files one by one, and its client, which comes back at
    once, may be handed to it again before it has got to the listener.
    """
    callers, over = Callers(team.address, patient=True), asyncio.Event()
    running = asyncio.ensure_future(callers.run(over.is_set))
    await callers.busy.wait()
    counted = await asyncio.to_thread(team.count, OK_CALLS)
    killed = team.workers()[0]
    os.kill(killed, signal.SIGKILL)
    died = await asyncio.to_thread(team.wait_for_log, r"worker (\d) \(process (\d+)\) was killed by SIGKILL")
    assert int(died[2]) == killed
    await asyncio.to_thread(team.wait_for_log, rf"worker {died[1]} \(process \d+\) is ready")
    assert await asyncio.to_thread(team.page, "readyz") == "ready\n"
    over.set()
    await running
    assert set(callers.codes) <= {StatusCode.OK, StatusCode.UNAVAILABLE}
    assert callers.most_failures <= 2
    assert await asyncio.to_thread(team.count, OK_CALLS) >= counted > 0
    assert await asyncio.to_thread(team.count, "podium_worker_restarts_total") == 1
    assert await asyncio.to_thread(team.count, "podium_workers_ready") == WORKERS


async def test_the_end_of_a_busy_team_is_that_of_a_busy_server(team: Team) -> None:
    """Calls are answered or UNAVAILABLE, and the exit status is 0."""
    callers = Callers(team.address)
    running = asyncio.ensure_future(callers.run(lambda: team.process.poll() is not None))
    await callers.busy.wait()
    team.process.send_signal(signal.SIGTERM)
    await running
    assert team.process.returncode == 0
    assert set(callers.codes) == {StatusCode.OK, StatusCode.UNAVAILABLE}


async def test_one_page_counts_the_calls_of_all(team: Team, channels: list[aio.Channel]) -> None:
    """The sum is exact, whichever workers were called and whichever is asked for the page."""
    assert await codes(channels) == {StatusCode.OK}
    assert await codes(channels) == {StatusCode.OK}
    assert await asyncio.to_thread(team.count, OK_CALLS) == 2 * CONNECTIONS
    assert await asyncio.to_thread(team.count, 'podium_model_state{model="double",state="READY",version="1"}') == 1


async def test_a_change_reaches_every_worker_before_it_is_answered(
    team: Team, channels: list[aio.Channel], models: Path
) -> None:
    """Unload, load, alias: asked of one, done in all; and one that begins later does not load what was unloaded."""
    service: Any = stubs.ModelServiceStub(channels[0])
    await service.UnloadModel(pb.UnloadModelRequest(model="double"))
    assert await codes(channels) == {StatusCode.UNAVAILABLE}
    await service.LoadModel(pb.LoadModelRequest(model="double"))
    assert await codes(channels) == {StatusCode.OK}

    write_onnx(models / "double" / "2", scaled(3.0))
    await service.LoadModel(pb.LoadModelRequest(model="double"))
    await service.SetAlias(pb.SetAliasRequest(model="double", alias=pb.Alias(name="stable", version=1)))
    described = [
        stubs.ModelServiceStub(channel).GetModel(pb.GetModelRequest(model="double@stable")) for channel in channels
    ]
    assert {(await each).version.version for each in described} == {1}

    await service.UnloadModel(pb.UnloadModelRequest(model="double"))
    os.kill(team.workers()[0], signal.SIGKILL)
    died = await asyncio.to_thread(team.wait_for_log, r"worker (\d) \(process \d+\) was killed")
    await asyncio.to_thread(team.wait_for_log, rf"worker {died[1]} \(process \d+\) is ready")
    fresh = [open_channel(team.address) for _ in range(CONNECTIONS)]
    assert await codes(fresh) == {StatusCode.UNAVAILABLE}
    await asyncio.gather(*(channel.close() for channel in fresh))


async def test_a_change_that_cannot_be_is_the_callers_error(team: Team, channels: list[aio.Channel]) -> None:
    """What one worker raises travels through the supervisor as it is."""
    service: Any = stubs.ModelServiceStub(channels[0])
    with pytest.raises(aio.AioRpcError) as error:
        await service.LoadModel(pb.LoadModelRequest(model="nothing"))
    assert error.value.code() is StatusCode.NOT_FOUND
    assert "nothing" in str(error.value.details())


def test_workers_end_when_their_supervisor_is_killed(team: Team) -> None:
    """Nobody is left behind who holds the ports."""
    ends = [os.pidfd_open(number) for number in team.workers()]
    team.process.kill()
    for end in ends:
        assert select.select([end], [], [], 60)[0]
        os.close(end)


def test_a_team_that_cannot_start_says_why(start: Callable[..., Team]) -> None:
    """A device that is not there stops the start: exit status 1, and nobody is begun again and again."""
    team = start("--device", "cuda")
    output, log = team.process.communicate(timeout=120)
    assert team.process.returncode == 1
    assert output == ""
    assert "podium serve: device cuda" in log
    assert "begun again" not in log
