"""What workers get, when they are begun again, and the ports that they share."""

import socket
from contextlib import closing
from pathlib import Path

import pytest
from podium_server.settings import Settings
from podium_server.workers.patience import Patience
from podium_server.workers.reservation import PortTaken, reserve
from podium_server.workers.shares import share_of, writable


def test_cores_and_memory_are_divided(tmp_path: Path) -> None:
    """Three workers of eight cores have two each: all the same, so that a measurement is good for all of them."""
    settings = Settings(repository=tmp_path, workers=3, cores=8, memory_budget=3000, max_request_memory_bytes=300)
    share = share_of(settings, 81, 80, tmp_path)
    assert (share.cores, share.memory_budget, share.max_request_memory_bytes) == (2, 1000, 100)
    assert (share.grpc_port, share.http_port, share.workers, share.cache_dir) == (81, 80, 1, tmp_path)


def test_a_quota_is_divided_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `cores`, what the container is allowed is divided; a quota of one core gives each worker one thread."""
    monkeypatch.setattr("podium_server.workers.shares.allowed_cores", lambda: 1)
    assert share_of(Settings(repository=tmp_path, workers=4), 1, 2, tmp_path).cores == 1
    monkeypatch.setattr("podium_server.workers.shares.allowed_cores", lambda: 9)
    assert share_of(Settings(repository=tmp_path, workers=4), 1, 2, tmp_path).cores == 2


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path: Path) -> None:
    """Workers still tell one another what they measured."""
    (tmp_path / "file").write_text("")
    passing = writable(tmp_path / "file" / "cache")
    assert passing.is_dir()
    passing.rmdir()
    assert writable(tmp_path / "cache") == tmp_path / "cache"


def test_patience_doubles_with_quick_deaths_alone() -> None:
    """At once, then 0.5, 1, 2 … 30 s; a long life is forgotten nothing of but the last death."""
    patience = Patience()
    assert [patience.delay_s(1.0) for _ in range(9)] == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert [patience.delay_s(lived_s) for lived_s in (100.0, 100.0, 1.0)] == [0, 0, 0.5]


def test_held_ports_are_for_sharing_and_take_no_connection() -> None:
    """Nobody listens until a worker does; a server that does not share cannot have the port."""
    with reserve("127.0.0.1", 0, 0) as ports:
        assert ports.grpc_port != ports.http_port
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", ports.grpc_port))
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", ports.http_port))
        with closing(socket.create_server(("127.0.0.1", ports.grpc_port), reuse_port=True)):
            socket.create_connection(("127.0.0.1", ports.grpc_port)).close()


@pytest.mark.parametrize("shared", [False, True])
def test_a_taken_port_is_named(shared: bool) -> None:
    """Also one that another team shares among its workers: two servers must not by accident."""
    with closing(socket.create_server(("127.0.0.1", 0), reuse_port=shared)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(PortTaken, match=rf"grpc-port: 127\.0\.0\.1:{port} cannot be bound: .*; 0 takes any"),
            reserve("127.0.0.1", port, 0),
        ):
            pass


def test_a_host_that_is_not_here_is_named() -> None:
    """192.0.2.0/24 is kept for documentation."""
    with (
        pytest.raises(PortTaken, match=r"host: 192\.0\.2\.1 is no address of this machine"),
        reserve("192.0.2.1", 0, 0),
    ):
        pass
