"""What did a process cost? Whole-process figures from the kernel: wall and CPU seconds, peak memory."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    code: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    output: str


def run(command: list[str], *, folder: Path | None = None, cpu: int | None = 0) -> Cost:
    """Run a command, by default pinned to one processor, and say what it cost."""
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, {cpu}),
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    return Cost(process.returncode, time.monotonic() - started, cpu_seconds(usage), usage.ru_maxrss / 1000, output)


def cpu_seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime
