"""Whether changes of a folder are told by file events: other machines' changes of a network file system are not."""

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
# As Linux names them. Programs serve whatever they like behind FUSE; most of that lies elsewhere.
_NETWORK = re.compile(r"nfs\d?|cifs|smb\d?|smbfs|9p|ceph|gpfs|lustre|glusterfs|virtiofs|beegfs|afs|fuse(\..*)?")


def lies_elsewhere(folder: Path, mounts: str | None = None) -> bool:
    """Tell whether a folder lies on a network file system; where the system does not say, it does not.

    Args:
        folder: the folder.
        mounts: the text of `/proc/self/mountinfo`; None reads it.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
        except OSError:  # not on Linux
            return False
    folder = folder.resolve()
    above = {str(folder), *map(str, folder.parents)}
    longest, kind = "", ""
    for line in mounts.splitlines():
        # 36 35 98:0 /root /mount/point options … - type source options; see proc_pid_mountinfo(5)
        fields, _, tail = line.partition(" - ")
        point = _unescaped(fields.split(" ")[4]) if len(fields.split(" ")) > 4 else ""
        if point in above and len(point) >= len(longest):  # of two on one point, the later one lies on top
            longest, kind = point, tail.split(" ")[0]
    return _NETWORK.fullmatch(kind) is not None


def _unescaped(point: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point)
