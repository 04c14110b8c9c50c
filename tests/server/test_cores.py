"""The number of cores is what the container is allowed; a fake /proc and /sys/fs/cgroup says so."""

import os
from pathlib import Path

import pytest
from podium_server.runtime.cores import allowed_cores


def lay_out(root: Path, groups: str, files: dict[str, str]) -> Path:
    """Write a fake `proc/self/cgroup` and the files under `sys/fs/cgroup`."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ("max 100000\n", 16),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("20000 10000\n", 2),
        ("6400000 100000\n", 16),
        ("nonsense\n", 16),
    ],
)
def test_cgroup_v2_quota_is_divided_by_its_period_and_rounded_up(tmp_path: Path, cpu_max: str, cores: int) -> None:
    """`cpu.max` holds microseconds a period; "max" and nonsense limit nothing; the mask limits too."""
    root = lay_out(tmp_path, "0::/\n", {"cpu.max": cpu_max})
    assert allowed_cores(root, visible=16) == cores


def test_the_smallest_quota_of_the_groups_above_counts(tmp_path: Path) -> None:
    """A pod's limit binds the container inside it, whose own limit is wider."""
    files = {
        "pod/cpu.max": "200000 100000",
        "pod/container/cpu.max": "800000 100000",
        "pod/container/worker/cpu.max": "max 100000",
        "other/cpu.max": "100000 100000",
    }
    root = lay_out(tmp_path, "0::/pod/container/worker\n", files)
    assert allowed_cores(root, visible=16) == 2


@pytest.mark.parametrize("folder", ["cpu,cpuacct", "cpu"])
def test_cgroup_v1_quota_counts(tmp_path: Path, folder: str) -> None:
    """Version 1 keeps quota and period in two files, in a folder named by its controllers."""
    files = {
        f"{folder}/box/cpu.cfs_quota_us": "300000\n",
        f"{folder}/box/cpu.cfs_period_us": "100000\n",
        f"{folder}/cpu.cfs_quota_us": "-1\n",
        f"{folder}/cpu.cfs_period_us": "100000\n",
    }
    root = lay_out(tmp_path, "5:memory:/box\n4:cpu,cpuacct:/box\n", files)
    assert allowed_cores(root, visible=16) == 3


def test_hybrid_layout_reads_version_1_beside_unified(tmp_path: Path) -> None:
    """Where both versions are mounted, the one that holds the quota is found."""
    files = {
        "unified/box/cgroup.procs": "1\n",
        "cpu/cpu.cfs_quota_us": "400000\n",
        "cpu/cpu.cfs_period_us": "100000\n",
    }
    root = lay_out(tmp_path, "1:cpu:/\n0::/box\n", files)
    assert allowed_cores(root, visible=16) == 4


@pytest.mark.parametrize("group", ["/docker/0123456789abcdef", "/../sibling"])
def test_a_group_that_the_mount_does_not_show_is_the_mount_itself(tmp_path: Path, group: str) -> None:
    """Inside a container the group's name may be the host's; its files lie at the mount's top."""
    root = lay_out(tmp_path, f"0::{group}\n", {"cpu.max": "250000 100000"})
    assert allowed_cores(root, visible=16) == 3


def test_without_control_groups_the_affinity_mask_counts(tmp_path: Path) -> None:
    """No cgroup file system: the mask alone."""
    assert allowed_cores(tmp_path, visible=6) == 6


def test_this_machine_allows_at_least_one_core_and_no_more_than_it_has() -> None:
    """The real files are read without an argument."""
    assert 1 <= allowed_cores() <= (os.cpu_count() or 1)
