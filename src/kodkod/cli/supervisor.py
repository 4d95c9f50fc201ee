"""How are the processes of one host kept alive? A parent starts them, restarts what dies, and stops all at the end.

A crash of one process never takes the others down. A child whose parent is killed ends itself (PR_SET_PDEATHSIG), so
even `kill -9` of the supervisor leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from kodkod.cli import telemetry
from kodkod.clock import SystemClock

log = logging.getLogger(__name__)

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0  # a start costs about two seconds of one core: a crash loop must not eat the host
STEADY_S = 10.0  # a process that ran this long did not fail at its start: it has earned a fresh back-off
STOP_GRACE_S = 10.0  # then SIGKILL
LOG_BYTES_MAX = 20_000_000  # of one process; at a restart a longer log is moved aside to `.1`
PR_SET_PDEATHSIG = 1
PROGRAM = ("-m", "kodkod.cli.app")  # what Python runs for a child, before the child's own arguments


@dataclass(frozen=True, slots=True)
class Child:
    """One process: its name in logs and its arguments after `python -m kodkod.cli.app`."""

    name: str
    arguments: tuple[str, ...]


class AlreadyRunning(Exception):
    """Another supervisor owns this data folder."""


def backoff_s(previous_s: float | None, ran_s: float) -> float:
    """How long to wait before a process that ran `ran_s` seconds is started again."""
    if previous_s is None or ran_s >= STEADY_S:
        return BACKOFF_FIRST_S
    return min(previous_s * 2, BACKOFF_MAX_S)


def run_folder(data: Path) -> Path:
    return data / "run"


class Lock:
    """Exclusive ownership of a data folder, held while this process lives (flock)."""

    def __init__(self, data: Path) -> None:
        run_folder(data).mkdir(parents=True, exist_ok=True)
        self._file: TextIO = (run_folder(data) / "up.lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise AlreadyRunning(str(data)) from error

    def describe(self, listen: str) -> None:
        """Say who holds the lock, for `down` and `status`."""
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), "listen": listen}, self._file)
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs on a data folder."""

    pid: int
    listen: str


def holder(data: Path) -> Holder | None:
    """The live supervisor of a data folder, or none. Asks the lock, not the pid: pids are reused."""
    path = run_folder(data) / "up.lock"
    if not path.exists():
        return None
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            text = file.read()
            return Holder(**json.loads(text)) if text else Holder(pid=0, listen="")
    return None


async def supervise(children: list[Child], data: Path, stop: asyncio.Event) -> None:
    """Keep every child running until `stop` is set; then end them in reverse order and return."""
    clock = SystemClock()
    running: dict[str, asyncio.subprocess.Process] = {}

    async def keep(child: Child) -> None:
        delay: float | None = None
        while not stop.is_set():
            started = clock.monotonic_s()
            process = await spawn(child, data)
            running[child.name] = process
            (run_folder(data) / f"{child.name}.pid").write_text(str(process.pid))
            code = await process.wait()
            if stop.is_set():
                return
            delay = backoff_s(delay, clock.monotonic_s() - started)
            telemetry.process_ended(log, name=child.name, code=code, restart_in_s=delay)
            await first_of(stop.wait(), asyncio.sleep(delay))

    async with asyncio.TaskGroup() as group:
        for child in children:
            group.create_task(keep(child))
        await stop.wait()
        for child in reversed(children):
            await end(running.get(child.name))


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when one of the awaitables is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def spawn(child: Child, data: Path) -> asyncio.subprocess.Process:
    path = run_folder(data) / f"{child.name}.log"
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    with path.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *PROGRAM,
            *child.arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=die_with_parent(),
        )


def die_with_parent() -> Callable[[], None]:
    """A function for the child, between fork and exec, that ties its life to ours. libc is loaded before the fork."""
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return tie


async def end(process: asyncio.subprocess.Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_GRACE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
