"""How does a port serve beside the tasks that live with it, and how does all of it end cleanly?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import uvicorn

from kodkod.server import telemetry
from kodkod.server.services import Controller

STOP_GRACE_S = 3
CONTROLLER_PAUSE_S = 5.0


class Server(uvicorn.Server):
    """uvicorn, without its signal handlers: the process's door owns the signals and asks for an end by cancelling."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(slots=True)
class Drain:
    """How long to go on serving when told to end, for callers who have not yet heard of it. Meanwhile not ready."""

    seconds: float
    is_draining: bool = False


async def serve(config: uvicorn.Config, beside: Sequence[Controller], drain: Drain | None = None) -> None:
    """Serve until cancelled; then requests end first, and what lives beside them after. Exits without its address."""
    server = Server(config)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve())
        tasks = [group.create_task(keep_running(controller)) for controller in beside]
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            if drain is not None:
                drain.is_draining = True
                with contextlib.suppress(asyncio.CancelledError):  # told twice: at once
                    await asyncio.sleep(drain.seconds)
            server.should_exit = True
            await asyncio.wait([serving])
        for task in tasks:
            task.cancel()


async def together(controllers: Sequence[Controller]) -> None:
    """Run several until cancelled."""
    async with asyncio.TaskGroup() as group:
        for controller in controllers:
            group.create_task(keep_running(controller))


async def keep_running(controller: Controller) -> None:
    """A controller that fails is a fault of ours; it starts again after a pause, and the others go on."""
    while True:
        try:
            await controller.run()
        except Exception as error:
            telemetry.controller_failed(type(controller).__module__, error, CONTROLLER_PAUSE_S)
        await asyncio.sleep(CONTROLLER_PAUSE_S)
