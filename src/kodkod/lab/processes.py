"""How is a command in a pod run, fed and heard? A child process with pipes, or with a terminal of its own.

Every process started here leads a session of its own, so that ending it ends what it started too.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Mapping, Sequence

CHUNK_BYTES = 32 << 10


class PipedProcess:
    """A command with three pipes. stdin that nobody feeds is at its end from the start."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    async def read_stdout(self) -> bytes:
        assert self._child.stdout is not None, "spawned with a pipe"
        return await self._child.stdout.read(CHUNK_BYTES)

    async def read_stderr(self) -> bytes:
        assert self._child.stderr is not None, "spawned with a pipe"
        return await self._child.stderr.read(CHUNK_BYTES)

    async def write_stdin(self, data: bytes) -> None:
        stdin = self._child.stdin
        if stdin is None or stdin.is_closing():
            return
        try:
            stdin.write(data)
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            # It has closed its input: like a shell pipeline, the rest is dropped and the process goes on.
            stdin.close()

    async def close_stdin(self) -> None:
        if self._child.stdin is not None:
            self._child.stdin.close()

    def resize(self, *, columns: int, rows: int) -> None:
        """Pipes have no window."""

    async def wait(self) -> int:
        return _exit_code(await self._child.wait())

    def kill(self) -> None:
        _kill_session(self._child)


class TerminalProcess:
    """A command on a pseudo terminal of its own, of which it is the session's leader."""

    def __init__(self, child: asyncio.subprocess.Process, master: int) -> None:
        self._child = child
        self._master: int | None = master

    async def read_stdout(self) -> bytes:
        while self._master is not None:
            try:
                return os.read(self._master, CHUNK_BYTES)
            except BlockingIOError:
                await self._ready(write=False)
            except OSError as ended:
                # EIO: the last process that had the terminal open has closed it.
                if ended.errno != errno.EIO:
                    raise
                return b""
        return b""

    async def read_stderr(self) -> bytes:
        return b""

    async def write_stdin(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and self._master is not None:
            try:
                rest = rest[os.write(self._master, rest) :]
            except BlockingIOError:
                await self._ready(write=True)
            except OSError:
                return

    async def close_stdin(self) -> None:
        """A terminal has no half close."""

    def resize(self, *, columns: int, rows: int) -> None:
        if self._master is not None:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    async def wait(self) -> int:
        return _exit_code(await self._child.wait())

    def kill(self) -> None:
        _kill_session(self._child)
        if self._master is not None:
            os.close(self._master)
            self._master = None

    async def _ready(self, *, write: bool) -> None:
        assert self._master is not None, "the caller has just used it"
        loop, master = asyncio.get_running_loop(), self._master
        ready = loop.create_future()

        def tell() -> None:
            if not ready.done():
                ready.set_result(None)

        (loop.add_writer if write else loop.add_reader)(master, tell)
        try:
            await ready
        finally:
            (loop.remove_writer if write else loop.remove_reader)(master)


async def spawn(
    command: Sequence[str], *, stdin: bool, tty: bool, environment: Mapping[str, str]
) -> PipedProcess | TerminalProcess:
    """Start a command on this host. Raises OSError where it cannot be started."""
    if tty:
        return await _spawn_on_terminal(command, environment)
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd="/",
        start_new_session=True,
    )
    return PipedProcess(child)


async def _spawn_on_terminal(command: Sequence[str], environment: Mapping[str, str]) -> TerminalProcess:
    master, slave = os.openpty()
    try:
        # `setsid --ctty` takes the terminal over after stdio is in place. A preexec_fn cannot: uvloop runs it before.
        child = await asyncio.create_subprocess_exec(
            "setsid",
            "--ctty",
            "--wait",
            *command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            cwd="/",
        )
    except OSError:
        os.close(master)
        raise
    finally:
        os.close(slave)
    os.set_blocking(master, False)
    return TerminalProcess(child, master)


def _exit_code(returncode: int) -> int:
    return returncode if returncode >= 0 else 128 - returncode


def _kill_session(child: asyncio.subprocess.Process) -> None:
    """End the session's process group. Only while the leader is not reaped: its number is surely its own until then."""
    if child.returncode is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
