"""How much may the inspector take of this node? IntrusionDetection's limits, as the engine and the kernel hold them."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPONENT = "DeepPacketInspection"
CPU_DEFAULT, MEMORY_DEFAULT = 1.0, 1 << 30
ENGINE_SHARE = 0.5
"""Of the memory limit, what the engine's tables may take; the rest is for rules, Python and buffers."""
CGROUP_PREFIX = "kodkod-inspector-"
"""One group a process (its id follows): two inspectors of one host must not share one's bounds."""
PERIOD_US = 100_000
UNLIMITED_BYTES = 1 << 62
"""What version 1 says where nothing is set is about that; version 2 says `max`."""

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


@dataclass(frozen=True, slots=True)
class Bounds:
    """cpu: cores. memory_bytes: of the process as a whole."""

    cpu: float = CPU_DEFAULT
    memory_bytes: int = MEMORY_DEFAULT

    @property
    def workers(self) -> int:
        """Worker threads: a whole one for each core, at least one, never more than there are."""
        return max(1, math.ceil(min(self.cpu, os.cpu_count() or 1)))

    @property
    def cpu_millis(self) -> int:
        """Thousandths of a core; 0 where there is no limit."""
        return 0 if math.isinf(self.cpu) else round(self.cpu * 1000)

    @property
    def limit_bytes(self) -> int:
        """Of the process as a whole; 0 where there is no limit."""
        return 0 if self.memory_bytes >= UNLIMITED_BYTES else self.memory_bytes

    @property
    def engine_bytes(self) -> int:
        return int(self.memory_bytes * ENGINE_SHARE)


def read(objects: Iterable[Mapping[str, Any]]) -> Bounds:
    """From the IntrusionDetection objects; what cannot be read falls back to the default."""
    for obj in objects:
        for entry in (obj.get("spec") or {}).get("componentResources") or []:
            if entry.get("componentName") == COMPONENT:
                limits = (entry.get("resourceRequirements") or {}).get("limits") or {}
                return Bounds(
                    quantity(limits.get("cpu"), CPU_DEFAULT), int(quantity(limits.get("memory"), MEMORY_DEFAULT))
                )
    return Bounds()


def quantity(value: object, default: float) -> float:
    """A Kubernetes quantity: `500m`, `2`, `1Gi`."""
    text = str(value if value is not None else "").strip()
    factor = 1.0
    if text.endswith("m"):
        text, factor = text[:-1], 0.001
    for suffix, scale in sorted(SUFFIXES.items(), key=lambda entry: -len(entry[0])):
        if text.endswith(suffix):
            text, factor = text.removesuffix(suffix), float(scale)
            break
    try:
        number = float(text) * factor
    except ValueError:
        return default
    return number if number > 0 else default


def of_container(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> tuple[Bounds, str]:
    """What our own control group allows, version 1 or 2, and a word for it; unlimited where nothing is said.

    In a pod the group is the container's, set by the kubelet from what the server's controller wrote into its
    resources; nothing is written there.
    """
    groups = _own_groups(own)
    if (root / "memory").is_dir() and (root / "cpu").is_dir():
        memory = _number(_under(root / "memory", groups.get("memory", "")) / "memory.limit_in_bytes")
        cpu = _under(root / "cpu", groups.get("cpu", ""))
        quota, period = _number(cpu / "cpu.cfs_quota_us"), _number(cpu / "cpu.cfs_period_us")
        return _allowed(memory, quota, period), "v1: the container's"
    group = _under(root, groups.get("", ""))
    quota_text, _, period_text = _text(group / "cpu.max").partition(" ")
    bounds = _allowed(_number(group / "memory.max"), _digits(quota_text), _digits(period_text))
    return bounds, "v2: the container's"


def smaller(one: Bounds, other: Bounds) -> Bounds:
    """Within both."""
    return Bounds(min(one.cpu, other.cpu), min(one.memory_bytes, other.memory_bytes))


def _allowed(memory: int | None, quota: int | None, period: int | None) -> Bounds:
    cpu = quota / period if quota and period else math.inf
    return Bounds(cpu, memory if memory is not None else UNLIMITED_BYTES)


def _own_groups(own: Path) -> dict[str, str]:
    """Paths by controller; the unified hierarchy's under ""."""
    found = {}
    for line in _text(own).splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found


def _under(root: Path, path: str) -> Path:
    """A group as this mount shows it: in a control group namespace of one's own the root is the group."""
    group = root / path.lstrip("/")
    return group if group.is_dir() else root


def _number(path: Path) -> int | None:
    return _digits(_text(path))


def _digits(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def described(engine: Mapping[str, Any]) -> str:
    """What a NodeReport's `engine` says of the bounds in force, for people."""
    cpu, memory = engine.get("cpuMillis"), engine.get("limitBytes")
    limits = (f"{cpu / 1000:g} cores" if cpu else "all cores", f"{memory / 2**20:.0f} MiB" if memory else "all memory")
    return f"{' and '.join(limits)} (control group {engine.get('cgroup') or 'unknown'})"


def is_held(engine: Mapping[str, Any]) -> bool:
    """Whether the kernel holds the process to its bounds; without a control group only the engine minds them."""
    return str(engine.get("cgroup", "")).startswith("v")


def confine(bounds: Bounds, root: Path = Path("/sys/fs/cgroup"), pid: int | None = None) -> str:
    """Put a process (this one) under the bounds with a control group, version 1 or 2.

    Returns the version, or `none: ` and why not. Groups that processes of ours left behind are removed first.
    """
    pid = os.getpid() if pid is None else pid
    if (root / "memory").is_dir() and (root / "cpu").is_dir():
        return _attempt("v1", _confine_v1, bounds, root, pid)
    for unified in (root, root / "unified"):
        if (unified / "cgroup.controllers").exists():
            return _attempt("v2", _confine_v2, bounds, unified, pid)
    return "none: no control groups are mounted"


def release(root: Path = Path("/sys/fs/cgroup"), pid: int | None = None) -> None:
    """Leave the group and remove it. Nothing happens where there is none."""
    pid = os.getpid() if pid is None else pid
    for parent in (root / "memory", root / "cpu", root, root / "unified"):
        group = parent / f"{CGROUP_PREFIX}{pid}"
        if group.is_dir():
            with contextlib.suppress(OSError):
                (parent / "cgroup.procs").write_text(str(pid))
                group.rmdir()


def _attempt(
    version: str, confine_it: Callable[[Bounds, Path, int], None], bounds: Bounds, root: Path, pid: int
) -> str:
    try:
        confine_it(bounds, root, pid)
    except OSError as error:
        return f"none: {version} cannot be written: {error.strerror}"
    return version


def _confine_v1(bounds: Bounds, root: Path, pid: int) -> None:
    memory, cpu = _group(root / "memory", pid), _group(root / "cpu", pid)
    (memory / "memory.limit_in_bytes").write_text(str(bounds.memory_bytes))
    (cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
    (cpu / "cpu.cfs_quota_us").write_text(str(int(bounds.cpu * PERIOD_US)))
    for group in (memory, cpu):
        (group / "cgroup.procs").write_text(str(pid))


def _confine_v2(bounds: Bounds, root: Path, pid: int) -> None:
    offered = (root / "cgroup.controllers").read_text().split()
    if not {"memory", "cpu"} <= set(offered):
        raise OSError(0, f"only {' '.join(offered) or 'no controller'} offered")
    (root / "cgroup.subtree_control").write_text("+memory +cpu")
    group = _group(root, pid)
    (group / "memory.max").write_text(str(bounds.memory_bytes))
    (group / "cpu.max").write_text(f"{int(bounds.cpu * PERIOD_US)} {PERIOD_US}")
    (group / "cgroup.procs").write_text(str(pid))


def _group(parent: Path, pid: int) -> Path:
    for left in parent.glob(f"{CGROUP_PREFIX}*"):
        with contextlib.suppress(OSError):  # a group with a living process in it cannot be removed
            left.rmdir()
    group = parent / f"{CGROUP_PREFIX}{pid}"
    group.mkdir(exist_ok=True)
    return group
