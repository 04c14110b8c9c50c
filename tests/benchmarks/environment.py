"""Where and beside what a benchmark ran."""

import os
import platform
from importlib.metadata import version
from pathlib import Path


def num_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def environment() -> dict[str, str]:
    """Describe the machine, the versions, and what else ran when the benchmark began."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    packages = ("onnxruntime", "grpcio", "protobuf", "numpy", "uvloop")
    return {
        "processor": f"{_processor()}, {num_cores()} cores for all processes together",
        "load average before (1, 5, 15 minutes)": load,
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
