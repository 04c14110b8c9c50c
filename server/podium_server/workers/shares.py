"""What each worker of a server gets of the machine: cores and memory divided, ports and folders the same."""

import logging
import tempfile
from pathlib import Path

from podium_server.runtime.cores import allowed_cores
from podium_server.settings import Settings

log = logging.getLogger(__name__)


def share_of(settings: Settings, grpc_port: int, http_port: int, cache_dir: Path) -> Settings:
    """Make the settings of one worker; all workers have the same, so that what one measures is good for all.

    Cores are divided without the rest, which event loops and the system use. Limits of what one graph or one client
    may have are each worker's own.

    Args:
        settings: the whole server's.
        grpc_port: the port that all listen on.
        http_port: the other one.
        cache_dir: a folder that can be written.
    """
    number, cores = settings.workers, settings.cores or allowed_cores()
    if number > cores:
        log.warning("workers: %d, but cores: %d; more workers than cores take memory and gain nothing", number, cores)
    divided = {
        name: max(1, value // number)
        for name in ("memory_budget", "max_request_memory_bytes")
        if (value := getattr(settings, name)) is not None
    }
    same = {"grpc_port": grpc_port, "http_port": http_port, "cache_dir": cache_dir}
    return settings.model_copy(update={**same, **divided, "cores": max(1, cores // number), "workers": 1})


def writable(cache_dir: Path) -> Path:
    """Give a folder in which workers can tell one another what they measured: the operator's, else a passing one."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache_dir):
            return cache_dir
    except OSError as error:
        passing = Path(tempfile.mkdtemp(prefix="podium-"))
        log.warning("cache-dir: %s cannot be written (%s): every start will measure again", cache_dir, error.strerror)
        return passing
