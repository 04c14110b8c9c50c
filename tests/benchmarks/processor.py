"""Processor time of a process and its children, from /proc (Linux)."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PPID, _UTIME, _STIME, _CUTIME, _CSTIME = 1, 11, 12, 13, 14  # fields of proc(5)'s stat after the command's name


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it ended while we looked
        return None
    return text.rsplit(")", 1)[1].split()


def family(root: int) -> list[int]:
    """List a process and all its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[_PPID]), []).append(int(entry.name))
    members = [root]
    for member in members:
        members += children.get(member, [])
    return members


def processor_seconds(root: int) -> float:
    """Add up user and system time of a process and its descendants, those that have ended included.

    The kernel counts in ticks of 10 ms: measure over seconds.
    """
    ticks = 0
    for pid in family(root):
        if stat := _stat(pid):
            ticks += sum(int(stat[i]) for i in (_UTIME, _STIME, _CUTIME, _CSTIME))
    return ticks / _TICKS_PER_S
