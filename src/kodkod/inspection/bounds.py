"""How much may the inspector take of this node? IntrusionDetection's limits, as the engine and the kernel hold them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPONENT = "DeepPacketInspection"
CPU_DEFAULT, MEMORY_DEFAULT = 1.0, 1 << 30
ENGINE_SHARE = 0.5
"""Of the memory limit, what the engine's tables may take; the rest is for rules, Python and buffers."""
CGROUP_NAME = "kodkod-inspector"
PERIOD_US = 100_000

SUFFIXES = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


@dataclass(frozen=True, slots=True)
class Bounds:
    """cpu: cores. memory_bytes: of the process as a whole."""

    cpu: float = CPU_DEFAULT
    memory_bytes: int = MEMORY_DEFAULT

    @property
    def workers(self) -> int:
        """Worker threads: a whole one for each core, at least one, never more than there are."""
        return max(1, min(math.ceil(self.cpu), os.cpu_count() or 1))

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


def confine(bounds: Bounds, root: Path = Path("/sys/fs/cgroup")) -> str:
    """Put this process under the bounds with a control group, version 2 or 1. Returns the version, or why not."""
    if (root / "cgroup.controllers").exists():
        return _confine_v2(bounds, root)
    if (root / "memory").is_dir() and (root / "cpu").is_dir():
        return _confine_v1(bounds, root)
    return "none: no control groups are mounted"


def _confine_v2(bounds: Bounds, root: Path) -> str:
    folder = root / CGROUP_NAME
    try:
        folder.mkdir(exist_ok=True)
        (folder / "memory.max").write_text(str(bounds.memory_bytes))
        (folder / "cpu.max").write_text(f"{int(bounds.cpu * PERIOD_US)} {PERIOD_US}")
        (folder / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        return f"none: {error.strerror}"
    return "v2"


def _confine_v1(bounds: Bounds, root: Path) -> str:
    try:
        memory, cpu = root / "memory" / CGROUP_NAME, root / "cpu" / CGROUP_NAME
        for folder in (memory, cpu):
            folder.mkdir(exist_ok=True)
        (memory / "memory.limit_in_bytes").write_text(str(bounds.memory_bytes))
        (cpu / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (cpu / "cpu.cfs_quota_us").write_text(str(int(bounds.cpu * PERIOD_US)))
        for folder in (memory, cpu):
            (folder / "cgroup.procs").write_text(str(os.getpid()))
    except OSError as error:
        return f"none: {error.strerror}"
    return "v1"
