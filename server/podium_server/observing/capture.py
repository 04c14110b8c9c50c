"""Keeps calls in files, so that another machine or version can be asked the same: `podium replay`."""

import logging
import platform
import re
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from google.protobuf.message import Message
from podium.v1 import captured_call_pb2 as pb

from podium_server.model_digest import model_digest
from podium_server.observing.capture_folder import CaptureFolder
from podium_server.observing.observer import BegunCall, EndedCall
from podium_server.runtime.versions import runtime_versions
from podium_server.servable import Servable

log = logging.getLogger(__name__)

# Answered, or failed through the server or the model: what is worth to be tried elsewhere.
KEPT_CODES = frozenset({"OK", "INTERNAL", "UNKNOWN"})
# Of requests and answers that wait to be written; calls beyond it are not kept.
MAX_PENDING_BYTES = 128 * 2**20


class Capture:
    """Keeps calls with one request that a version worked on; a thread of its own writes.

    A streamed answer is kept whole, as a call of the method that gives it so.

    Args:
        folder: where they are kept.
        share: of calls, from 0 to 1. Which ones follows from the request id alone, so all servers keep the same ones.
        max_bytes: that all files may take together; the oldest make room.

    Raises:
        OSError: the folder cannot be made or read.
    """

    def __init__(self, folder: Path, share: float, max_bytes: int) -> None:
        self._folder = CaptureFolder(folder, max_bytes)
        self._bound = share * 2**32
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="capture")
        self._lock = threading.Lock()
        self._pending_bytes = 0
        self._versions = runtime_versions()

    def began(self, call: BegunCall) -> "CapturedCall | NotCaptured":
        """Look on at a call, if it is one of those to keep."""
        return CapturedCall(self, call) if zlib.crc32(call.request_id.encode()) < self._bound else _NOT_CAPTURED

    def close(self) -> None:
        """Write what is not written yet."""
        self._writer.shutdown()

    def keep(self, begun: BegunCall, ended: EndedCall) -> None:
        """Hand a call over to be written, unless too much waits already."""
        request, servable = ended.request, ended.servable
        if request is None or servable is None or ended.code not in KEPT_CODES:
            return
        if ended.code == "OK" and ended.response is None:  # a streamed answer that is too large
            return
        size = len(request) + (ended.response.ByteSize() if ended.response is not None else 0)
        with self._lock:
            if self._pending_bytes + size > MAX_PENDING_BYTES:
                log.warning("a call is not captured: calls come faster than they can be written")
                return
            self._pending_bytes += size
        self._writer.submit(self._write, begun, ended, request, servable, size)

    def _write(self, begun: BegunCall, ended: EndedCall, request: bytes, servable: Servable, size: int) -> None:
        now_ns = time.time_ns()
        captured = pb.CapturedCall(
            method=ended.method,
            request=request,
            response=ended.response.SerializeToString() if ended.response is not None else b"",
            code=ended.code,
            request_id=begun.request_id,
            model=servable.name,
            version=servable.version,
            model_digest=model_digest(servable.manifest),
            seed=_seed(ended.response),
            execution_provider=servable.provider,
            machine=platform.machine(),
            runtime_versions=self._versions,
        )
        captured.capture_time.FromNanoseconds(now_ns)
        name = f"{now_ns // 1000:017d}-{re.sub(r'[^A-Za-z0-9_.-]', '_', begun.request_id)[:40]}"
        try:
            if not self._folder.write(name, captured.SerializeToString()):
                log.warning("a call is not captured: it is larger than capture-bytes", extra=_named(begun))
        except OSError as error:
            log.warning("a call is not captured: %s", error, extra=_named(begun))
        finally:
            with self._lock:
                self._pending_bytes -= size


class CapturedCall:
    """One call that is kept when it ends."""

    __slots__ = ("_begun", "_capture")

    trace_id = ""
    keeps = True

    def __init__(self, capture: Capture, begun: BegunCall) -> None:
        self._capture = capture
        self._begun = begun

    def ended(self, call: EndedCall) -> None:
        """Keep it."""
        self._capture.keep(self._begun, call)


class NotCaptured:
    """A call that is not one of the share."""

    trace_id = ""
    keeps = False

    def ended(self, call: EndedCall) -> None:
        """Do nothing."""


_NOT_CAPTURED = NotCaptured()


def _seed(response: Message | None) -> int | None:
    """The seed that an answer names; None where nothing was drawn."""
    metadata = getattr(response, "metadata", None)
    return int(metadata.seed) if metadata is not None and metadata.HasField("seed") else None


def _named(begun: BegunCall) -> dict[str, str]:
    return {"request_id": begun.request_id}
