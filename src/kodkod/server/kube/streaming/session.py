"""Who carries bytes between kubectl and the process, and how does it end? The half that both wires share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kodkod.server.kube.streaming.backend import Process


@dataclass(frozen=True, slots=True)
class Input:
    """Bytes that the caller typed; `end` is the half close."""

    data: bytes
    end: bool = False


@dataclass(frozen=True, slots=True)
class Resize:
    """The caller's window changed."""

    columns: int
    rows: int


class Disconnected(Exception):
    """The caller is gone: nobody will read what the process says."""


class Channels(Protocol):
    """One exec connection, whichever wire it came by. Sending waits while the caller does not read."""

    async def receive(self) -> Input | Resize:
        """The caller's next move. Raises Disconnected."""
        ...

    async def send_stdout(self, payload: bytes) -> None: ...

    async def send_stderr(self, payload: bytes) -> None: ...

    async def finish(self, status: dict[str, Any]) -> None:
        """Close the output, deliver the Status that carries the exit code, and close the connection."""
        ...


async def run(channels: Channels, process: Process) -> int:
    """Move bytes both ways until the process has ended and all it said is sent. Gives the exit code.

    A caller who leaves ends the process, as closing a terminal would. Raises Disconnected then.
    """
    gone = False
    code = -1
    try:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(_listen(channels, process))
            talking = [
                group.create_task(_talk(process.read_stdout, channels.send_stdout)),
                group.create_task(_talk(process.read_stderr, channels.send_stderr)),
            ]
            code = await process.wait()
            # What the process left in its pipes is still on its way; a grandchild that keeps them open must not hold
            # the caller for ever, so there is a bound after the exit.
            await asyncio.wait(talking, timeout=DRAIN_S)
            for task in (listening, *talking):
                task.cancel()
    except* Disconnected:
        gone = True
    finally:
        process.kill()
    if gone:
        raise Disconnected
    await channels.finish(exit_status(code))
    return code


DRAIN_S = 10.0
"""How long output may still flow after the exit, when something the process started keeps its pipes open."""


def exit_status(code: int) -> dict[str, Any]:
    """The `metav1.Status` that ends an exec (protocol v4 on): kubectl takes its own exit code from it."""
    head: dict[str, Any] = {"metadata": {}, "apiVersion": "v1", "kind": "Status"}
    if code == 0:
        return {**head, "status": "Success"}
    return {
        **head,
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def failure_status(message: str, reason: str = "InternalError", code: int = 500) -> dict[str, Any]:
    """The Status of an exec that could not start."""
    return {
        "metadata": {},
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


async def _listen(channels: Channels, process: Process) -> None:
    while True:
        match await channels.receive():
            case Resize(columns, rows):
                process.resize(columns=columns, rows=rows)
            case Input(payload, end):
                if payload:
                    await process.write_stdin(payload)
                if end:
                    await process.close_stdin()


async def _talk(read: Callable[[], Awaitable[bytes]], send: Callable[[bytes], Awaitable[None]]) -> None:
    while payload := await read():
        await send(payload)
