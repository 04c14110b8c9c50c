"""How many cores this process may use: what its container is allowed, not what the host has.

A container that is allowed two cores of a host with sixty-four still sees sixty-four, and sixty-four threads
on two cores' worth of time spend it waiting for each other.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def allowed_cores(root: Path = Path("/"), *, visible: int | None = None) -> int:
    """Count the cores that this process may use.

    The smallest of the scheduler's affinity mask and of the CPU quotas of the process's control group and of
    every group above it (cgroup v2 `cpu.max`; v1 `cpu.cfs_quota_us` over `cpu.cfs_period_us`), rounded up.

    Args:
        root: where `proc` and `sys` are mounted.
        visible: the cores of the affinity mask; None asks the operating system.

    Returns:
        1 or more.
    """
    quotas = [quota for folder in _cpu_groups(root) if (quota := _quota(folder)) is not None]
    cores = min([visible if visible is not None else _affinity(), *quotas])
    return max(1, math.ceil(cores))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux alone has it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the process's CPU control groups, each followed by those above it."""
    mounts = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # no control groups here
        return
    for line in lines:
        hierarchy, controllers, group = line.split(":", 2)
        if hierarchy == "0":  # v2, alone or beside v1
            mount = mounts / "unified" if (mounts / "unified").is_dir() else mounts
        elif "cpu" in controllers.split(","):
            mount = mounts / controllers if (mounts / controllers).is_dir() else mounts / "cpu"
        else:
            continue
        yield from _upwards(mount, PurePosixPath(group))


def _upwards(mount: Path, group: PurePosixPath) -> Iterator[Path]:
    """Yield a group's folder and those above it, down to the mount.

    A container without a namespace of its own sees the host's name of its group, which its mount does not
    have: the mount itself is that group then. A name that climbs out of the mount (`/../x`) says no more.
    """
    parts = [part for part in group.parts if part != "/"]
    if ".." in parts:
        parts = []
    for depth in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:depth])


def _quota(folder: Path) -> float | None:
    """Return the cores that one group is allowed; None for no limit."""
    try:
        if (folder / "cpu.max").exists():
            limit, period = (folder / "cpu.max").read_text().split()
        else:
            limit = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        quota, period_us = float(limit), float(period)
    except (OSError, ValueError):  # no such file, or "max": no limit at this level
        return None
    return quota / period_us if quota > 0 and period_us > 0 else None
