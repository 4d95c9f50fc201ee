"""Control groups, over a folder that stands for the kernel's."""

from __future__ import annotations

from pathlib import Path

from kodkod.inspection.bounds import confine
from kodkod.inspection.plan import Bounds

BOUNDS = Bounds(1.5, 512 * 2**20)


def test_version_1_is_written_to_its_two_controllers(tmp_path: Path) -> None:
    for controller in ("memory", "cpu"):
        (tmp_path / controller).mkdir()
    assert confine(BOUNDS, name="kk-p4", pid=42, root=tmp_path) == "v1"
    assert (tmp_path / "memory/kk-p4/memory.limit_in_bytes").read_text() == str(512 * 2**20)
    assert (tmp_path / "cpu/kk-p4/cpu.cfs_quota_us").read_text() == "150000"
    assert (tmp_path / "cpu/kk-p4/cgroup.procs").read_text() == "42"


def test_version_2_is_written_to_one_group(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu io memory\n")
    assert confine(BOUNDS, name="kk-p4", pid=42, root=tmp_path) == "v2"
    assert (tmp_path / "kk-p4/cpu.max").read_text() == "150000 100000"
    assert (tmp_path / "kk-p4/memory.max").read_text() == str(512 * 2**20)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert confine(BOUNDS, name="kk-p4", pid=42, root=tmp_path).startswith("none: no control groups")
    (tmp_path / "cgroup.controllers").write_text("io\n")
    assert (
        confine(BOUNDS, name="kk-p4", pid=42, root=tmp_path) == "none: v2 cannot be written (controllers here are: io)"
    )
