"""How is the inspector held to what IntrusionDetection allows? A control group of its own, v1 or v2 where writable.

Threads and engine memory bound what we mean to use; the control group bounds what we really use. Where none can be
written (a container without the right), that is said in the report and the rest holds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from kodkod.inspection.plan import Bounds

ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000


def confine(bounds: Bounds, *, name: str, pid: int | None = None, root: Path = ROOT) -> str:
    """Put a process into a group with these limits. Returns the version in use, or `none: ` and why."""
    pid = os.getpid() if pid is None else pid
    if (root / "memory").is_dir() and (root / "cpu").is_dir():
        return _attempt("v1", _confine_v1, bounds, name, pid, root)
    for unified in (root, root / "unified"):
        if (unified / "cgroup.controllers").is_file():
            return _attempt("v2", _confine_v2, bounds, name, pid, unified)
    return "none: no control groups are mounted"


def release(*, name: str, root: Path = ROOT) -> None:
    """Remove the group once its processes are gone; what is not there or still used is left."""
    for parent in (root / "memory", root / "cpu", root, root / "unified"):
        with contextlib.suppress(OSError):
            (parent / name).rmdir()


def _attempt(
    version: str, confine_it: Callable[[Bounds, str, int, Path], None], bounds: Bounds, name: str, pid: int, root: Path
) -> str:
    try:
        confine_it(bounds, name, pid, root)
    except OSError as error:
        return f"none: {version} cannot be written ({error.strerror})"
    return version


def _confine_v1(bounds: Bounds, name: str, pid: int, root: Path) -> None:
    memory, cpu = root / "memory" / name, root / "cpu" / name
    for group in (memory, cpu):
        group.mkdir(exist_ok=True)
    (memory / "memory.limit_in_bytes").write_text(str(bounds.memory_bytes))
    (cpu / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
    (cpu / "cpu.cfs_quota_us").write_text(str(int(bounds.cpus * _PERIOD_US)))
    for group in (memory, cpu):
        (group / "cgroup.procs").write_text(str(pid))


def _confine_v2(bounds: Bounds, name: str, pid: int, root: Path) -> None:
    controllers = (root / "cgroup.controllers").read_text().split()
    if not {"memory", "cpu"} <= set(controllers):
        raise OSError(0, f"controllers here are: {' '.join(controllers) or 'none'}")
    (root / "cgroup.subtree_control").write_text("+memory +cpu")
    group = root / name
    group.mkdir(exist_ok=True)
    (group / "memory.max").write_text(str(bounds.memory_bytes))
    (group / "cpu.max").write_text(f"{int(bounds.cpus * _PERIOD_US)} {_PERIOD_US}")
    (group / "cgroup.procs").write_text(str(pid))
