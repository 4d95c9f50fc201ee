"""How does a command get into a practice pod? By `nsenter` into all of the pod's namespaces, as the pod's own user.

Reads the lab's state file for each command, so the server that asks need not know when a lab comes or goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodkod.lab import node, processes, state
from kodkod.lab.errors import ExecNotAllowed, NoSuchContainer, NoSuchPod
from kodkod.lab.processes import PipedProcess, TerminalProcess


class PodCommands:
    """Runs commands in the pods of the lab of one data folder. Needs the rights of root."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def start(
        self, namespace: str, pod: str, container: str | None, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> PipedProcess | TerminalProcess:
        """Start a command. Raises ExecNotAllowed, NoSuchPod, NoSuchContainer."""
        known = state.load(self._data)
        if known is None or known.owner is None or not known.owner.alive():
            raise ExecNotAllowed("no lab stands on this host, so there is no pod to run a command in")
        if not known.exec_allowed:
            raise ExecNotAllowed("the lab was brought up without exec")
        one = known.pod(namespace, pod)
        if one is None or one.process is None or not one.process.alive():
            raise NoSuchPod(f'pods "{pod}" not found' if one is None else f"pod {pod} is starting")
        if container and container != one.container:
            raise NoSuchContainer(f"container {container} is not valid for pod {pod}")
        environment = {**node.environment(pod), **({"TERM": "xterm"} if tty else {})}
        return await processes.spawn(
            node.enter(one.process, known.user, command), stdin=stdin, tty=tty, environment=environment
        )
