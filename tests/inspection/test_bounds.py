"""What our own control group allows, as both versions say it."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("engine", "said", "is_held"),
    [
        pytest.param(
            {"cpuMillis": 1000, "limitBytes": GIB, "cgroup": "v2"}, "1 cores and 1024 MiB (control group v2)", True,
            id="held by the kernel",
        ),
        pytest.param(
            {"cpuMillis": 250, "limitBytes": 1 << 20, "cgroup": "none: no control groups are mounted"},
            "0.25 cores and 1 MiB (control group none: no control groups are mounted)", False, id="held by itself",
        ),
        pytest.param({}, "all cores and all memory (control group unknown)", False, id="an older inspector"),
    ],
)  # fmt: skip
def test_bounds_are_told_to_people(engine: dict[str, object], said: str, is_held: bool) -> None:
    assert (bounds.described(engine), bounds.is_held(engine)) == (said, is_held)


def test_no_limit_is_reported_as_none() -> None:
    unlimited = Bounds(float("inf"), bounds.UNLIMITED_BYTES)
    assert (unlimited.cpu_millis, unlimited.limit_bytes) == (0, 0)
    assert (Bounds(0.2, GIB).cpu_millis, Bounds(0.2, GIB).limit_bytes) == (200, GIB)
