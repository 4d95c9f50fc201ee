"""What our own control group allows, as both versions say it."""

from __future__ import annotations

from pathlib import Path

from kodkod.inspection import bounds
from kodkod.inspection.bounds import Bounds

GIB = 1 << 30


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_version_2(tmp_path: Path) -> None:
    root = written(tmp_path, {"memory.max": f"{2 * GIB}\n", "cpu.max": "150000 100000\n", "own": "0::/\n"})
    assert bounds.of_container(root, root / "own") == (Bounds(1.5, 2 * GIB), "v2: the container's")
    assert Bounds(1.5, 2 * GIB).workers in (1, 2)


def test_version_2_below_the_mounts_root(tmp_path: Path) -> None:
    files = {"kubepods/x/memory.max": "1024", "kubepods/x/cpu.max": "max 100000", "own": "0::/kubepods/x\n"}
    found, _ = bounds.of_container(written(tmp_path, files), tmp_path / "own")
    assert found.memory_bytes == 1024
    assert bounds.smaller(found, Bounds(2, GIB)) == Bounds(2, 1024)


def test_version_1(tmp_path: Path) -> None:
    files = {
        "memory/memory.limit_in_bytes": str(GIB), "cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000",
        "own": "4:memory:/\n3:cpu,cpuacct:/\n",
    }  # fmt: skip
    assert bounds.of_container(written(tmp_path, files), tmp_path / "own") == (Bounds(0.5, GIB), "v1: the container's")


def test_nothing_set_means_what_was_asked_for(tmp_path: Path) -> None:
    files = {"memory/memory.limit_in_bytes": "9223372036854771712", "cpu/cpu.cfs_quota_us": "-1", "own": ""}
    found, _ = bounds.of_container(written(tmp_path, files), tmp_path / "own")
    assert bounds.smaller(Bounds(1, GIB), found) == Bounds(1, GIB)
