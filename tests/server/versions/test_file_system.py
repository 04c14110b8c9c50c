"""Which folders need polling."""

from pathlib import Path

import pytest
from podium_server.versions.file_system import lies_elsewhere

# As a machine with a disk, two shares and a share with a space in its name writes it.
MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
31 22 0:27 / /mnt/models rw,relatime shared:5 - nfs4 server:/models rw,vers=4.2
32 31 0:28 / /mnt/models/cache rw shared:6 - tmpfs tmpfs rw
33 22 0:29 / /mnt/more\\040models rw - fuse.s3fs s3fs rw
34 22 0:30 / /mnt/over rw - cifs //server/share rw
35 34 0:31 / /mnt/over rw - ext4 /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("folder", "elsewhere"),
    [
        ("/srv/models", False),
        ("/mnt/models", True),
        ("/mnt/models/digits", True),
        ("/mnt/models/cache/digits", False),
        ("/mnt/models2", False),
        ("/mnt/more models", True),
        ("/mnt/over", False),
    ],
)
def test_network_file_systems_are_known_by_their_mount(folder: str, elsewhere: bool) -> None:
    """The longest mount point above a folder counts, and of two on one point the later."""
    assert lies_elsewhere(Path(folder), MOUNTS) is elsewhere


def test_unknown_and_empty_tables_are_no_network(tmp_path: Path) -> None:
    """Events are then tried."""
    assert not lies_elsewhere(tmp_path, "")
    assert not lies_elsewhere(tmp_path, "junk\n1 2 3\n")
    assert not lies_elsewhere(tmp_path), "this machine's temporary folder is its own"
