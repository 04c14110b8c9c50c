"""Proof at start that a device really runs graphs.

ONNX Runtime logs what it misses and goes on with the CPU. Here, who asked for a GPU gets the GPU, or a server that
does not start and says what the loader said.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import onnxruntime as ort

from podium_server.runtime.devices import AUTO, CPU_PROVIDER, Device, parse_device
from podium_server.runtime.opening import WrongProvider, open_session

# What `auto` tries where it is built in, best first. The others compile each graph, for minutes, or change its
# numbers: they run for those who ask for them.
_AUTO_ORDER = ("cuda", "cpu")

# y = Identity(x), float32 of shape (1,), opset 13: the smallest graph that a provider can run.
_IDENTITY = (
    b"\x08\x08:7\n\x10\n\x01x\x12\x01y\x22\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02"
    b"\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)


class DeviceUnavailable(Exception):
    """A device is not there; the message carries the loader's own reason."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The device that was chosen.

    Attributes:
        device: a device that works.
        passed_over: for "auto", why each better device that this ONNX Runtime was built for was not taken.
    """

    device: Device
    passed_over: tuple[str, ...] = ()


def choose_device(asked: str) -> Choice:
    """Find the device asked for and run a one-node graph on it.

    Args:
        asked: "auto" for the best that works, or a name that `parse_device` reads.

    Raises:
        ValueError: if there is no such name.
        DeviceUnavailable: if the device does not work here.
    """
    if asked != AUTO:
        device = parse_device(asked)
        _prove(device)
        return Choice(device)
    passed_over: list[str] = []
    for name in _AUTO_ORDER:
        device = parse_device(name)
        if device.provider not in ort.get_available_providers():
            continue
        try:
            _prove(device)
        except DeviceUnavailable as error:
            passed_over.append(str(error))
        else:
            return Choice(device, tuple(passed_over))
    raise DeviceUnavailable("; ".join(passed_over))


def _prove(device: Device) -> None:
    """Run the smallest graph on a device, or raise `DeviceUnavailable` with what the loader wrote."""
    available = ort.get_available_providers()
    if device.provider not in available:
        raise DeviceUnavailable(
            f"device {device.name}: this ONNX Runtime ({ort.__version__}) has {', '.join(available)} but no "
            f"{device.provider}; install {device.package} in place of the onnxruntime that is here"
        )
    failure, written = _watch(lambda: _run_identity(device))
    if failure is not None:
        # A session that fell back says no more than that it did; why is in the log.
        raised = "" if isinstance(failure, WrongProvider) else str(failure)
        reason = explain(raised, written) or "ONNX Runtime gives no reason"
        raise DeviceUnavailable(f"device {device.name}: {device.provider} does not work here: {reason}") from failure


def _run_identity(device: Device) -> None:
    if device.provider != CPU_PROVIDER and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # finds the CUDA libraries of the nvidia-* packages, where they are installed
    open_session(_IDENTITY, [(name, dict(options)) for name, options in device.providers])


def _watch(action: Callable[[], None]) -> tuple[Exception | None, str]:
    """Do something; return what it raised and what it wrote to standard output and error, from C++ too.

    ONNX Runtime lets Python listen to its log from 1.32 on only, and some of it is printed beside the log.
    """
    failure: Exception | None = None
    with tempfile.TemporaryFile() as log:
        with ExitStack() as undo:
            for descriptor, stream in ((1, sys.stdout), (2, sys.stderr)):
                stream.flush()
                saved = os.dup(descriptor)
                undo.callback(os.close, saved)
                undo.callback(os.dup2, saved, descriptor)
                undo.callback(stream.flush)
                os.dup2(log.fileno(), descriptor)
            try:
                action()
            except Exception as error:  # noqa: BLE001 - each provider raises its own
                failure = error
        log.seek(0)
        return failure, log.read().decode(errors="replace")


_LOG_LINE = re.compile(r"^[0-9-]+ [0-9:.]+ \[(?P<level>[VIWEF]):[^\]]*\] (?P<text>.*)$")
# What C++ puts before its own words: file, line, function, and the status as text.
_SOURCE = re.compile(r"^\S+\.(?:cc|cpp|h|hpp):\d+ .*?\)(?: const)? (?=[A-Z\[])")
_STATUS = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


def explain(failure: str, written: str) -> str:
    """Pick the reason out of an exception's text and ONNX Runtime's log: errors first, then warnings.

    Args:
        failure: the exception's message.
        written: what was logged meanwhile, colours and all.
    """
    by_level: dict[str, list[str]] = {"F": [], "E": [], "W": []}
    for line in re.sub(r"\x1b\[[0-9;]*m", "", written).splitlines():
        match = _LOG_LINE.match(line)
        if match and match["level"] in by_level:
            by_level[match["level"]].append(match["text"])
    texts = (*by_level["F"], *by_level["E"], failure, *by_level["W"])
    cleaned = (_STATUS.sub("", _SOURCE.sub("", text.strip())) for text in texts)
    return "; ".join(dict.fromkeys(text.rstrip(".") for text in cleaned if text))
