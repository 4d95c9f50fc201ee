"""How does the server reach the practice lab's pods? Translates the lab's refusals into those of the exec wires."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodkod.lab.errors import ExecRefused, NoSuchContainer, NoSuchPod
from kodkod.lab.exec import PodCommands
from kodkod.server.kube.streaming import ContainerNotFound, ExecUnavailable, PodNotFound, Process


class LabExec:
    """`streaming.ExecBackend` over the lab of one data folder. Without a lab every command is refused."""

    def __init__(self, data: Path) -> None:
        self._commands = PodCommands(data)

    async def start(
        self, namespace: str, pod: str, container: str | None, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> Process:
        try:
            return await self._commands.start(namespace, pod, container, command, stdin=stdin, tty=tty)
        except NoSuchPod as missing:
            raise PodNotFound(str(missing)) from missing
        except NoSuchContainer as missing:
            raise ContainerNotFound(str(missing)) from missing
        except (ExecRefused, OSError) as refused:
            raise ExecUnavailable(str(refused)) from refused
