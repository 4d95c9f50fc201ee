"""How does the server learn what this process observes? One NodeReport, written on a change or when time is up.

A change is written at once (within a second); figures of captures and inspections that move, every 10 s; and a report
in which nothing moves every 60 s in a cluster, where a thousand nodes rest at once, but every 10 s on one host, where
its age is all that tells whether the process lives.
"""

from __future__ import annotations

import asyncio
import os
import platform
import socket
from collections.abc import Callable
from typing import Any

from kodkod import __version__
from kodkod.agent import telemetry
from kodkod.clock import Clock, rfc3339, rfc3339_micro
from kodkod.resources import kinds
from kodkod.resources.kinds.node_report import NodeReportStatus, Role, report_name
from kodkod.store import Resources
from kodkod.store.errors import AlreadyExists, NotFound, StoreError

HEARTBEAT_S = 10.0
REST_S = 60.0
NODE_HEARTBEAT_S = 60.0
LOOK_S = 1.0
"""How often what is observed is compared with what was written."""
COUNTS = (
    "packets", "bytes", "alerts", "spool", "firstPacket", "oldestPacket", "lastPacket", "freeBytes", "captureBytes",
    "totalBytes", "drops", "unattributed",
)  # fmt: skip
"""Fields that move all the time: they are written with the heartbeat, not by themselves."""
SHOWN = ("captures", "inspections")
"""What people look at in other objects' status: it may be 10 s old, the rest of a report 60."""


class Reporter:
    """observe: what is so now; called on the event loop, must not block.

    keeps_node: whether the Node object is ours to make, as on one host; in a cluster it is the kubelet's.
    rest_s: how old a report may become in which nothing moves.
    """

    def __init__(
        self, resources: Resources, node: str, role: Role, clock: Clock, observe: Callable[[], NodeReportStatus], *,
        keeps_node: bool, rest_s: float = REST_S,
    ) -> None:  # fmt: skip
        self._resources = resources
        self._node = node
        self._role: Role = role
        self._clock = clock
        self._observe = observe
        self._keeps_node = keeps_node
        self._rest_s = rest_s
        self._started = rfc3339(clock.now())
        self._wake = asyncio.Event()

    def hurry(self) -> None:
        """Something people wait for has changed: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Report until cancelled."""
        await self._until_done(self._ensure)
        written: dict[str, Any] = {}
        written_at = node_at = -REST_S
        while True:
            status, now_s = self._status(), self._clock.monotonic_s()
            if is_due(written, status, now_s - written_at, self._rest_s):
                try:
                    await self._write(status)
                    written, written_at = status, now_s
                    if self._keeps_node and now_s - node_at >= NODE_HEARTBEAT_S:
                        await self._ensure_node()
                        node_at = now_s
                except NotFound:  # somebody removed the report, or the server began anew
                    await self._until_done(self._ensure)
                except StoreError as error:
                    telemetry.server_unreachable("report", str(error), LOOK_S)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    def _status(self) -> dict[str, Any]:
        observed = self._observe()
        status = observed.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {**status, "startedAt": self._started, "pid": os.getpid(), "version": __version__}

    async def _write(self, status: dict[str, Any]) -> None:
        name = report_name(self._node, self._role)
        body = {"status": {**status, "observedAt": rfc3339_micro(self._clock.now())}}
        await self._resources.patch(
            kinds.NODE_REPORT, name, body, subresource="status", field_manager=f"kodkod-{self._role}"
        )

    async def _until_done(self, action: Callable[[], Any]) -> None:
        while True:
            try:
                await action()
                return
            except StoreError as error:
                telemetry.server_unreachable("report", str(error), LOOK_S)
                await asyncio.sleep(LOOK_S)

    async def _ensure(self) -> None:
        """What reports are written to."""
        if self._keeps_node:
            await self._ensure_node()
        await self._ensure_report()

    async def _ensure_report(self) -> None:
        name = report_name(self._node, self._role)
        body = {"metadata": {"name": name}, "spec": {"node": self._node, "role": self._role}}
        try:
            await self._resources.create(kinds.NODE_REPORT, body)
        except AlreadyExists:
            return

    async def _ensure_node(self) -> None:
        """The Node object of this host: complete enough for kubectl, made by whichever role comes first."""
        body = {"metadata": {"name": self._node, "labels": {"kubernetes.io/hostname": self._node}}, "spec": {}}
        try:
            await self._resources.create(kinds.NODE, body)
        except AlreadyExists:
            pass
        now = rfc3339(self._clock.now())
        ready = {
            "type": "Ready", "status": "True", "reason": "AgentReady", "message": "the agent reports",
            "lastHeartbeatTime": now, "lastTransitionTime": self._started,
        }  # fmt: skip
        status = {
            "conditions": [ready],
            "addresses": [{"type": "Hostname", "address": self._node}, *host_addresses()],
            "nodeInfo": {
                "kernelVersion": platform.release(), "kubeletVersion": f"v{__version__}", "operatingSystem": "linux",
                "architecture": platform.machine(), "osImage": platform.platform(), "machineID": "", "systemUUID": "",
                "bootID": "", "containerRuntimeVersion": "kodkod://" + __version__, "kubeProxyVersion": "",
            },
        }  # fmt: skip
        await self._resources.patch(kinds.NODE, self._node, {"status": status}, subresource="status")


def host_addresses() -> list[dict[str, str]]:
    """The address that this host's name has; none where it has none."""
    try:
        return [{"type": "InternalIP", "address": socket.gethostbyname(socket.gethostname())}]
    except OSError:
        return []


def is_due(written: dict[str, Any], status: dict[str, Any], age_s: float, rest_s: float) -> bool:
    """Whether a report of that age has to be written anew."""
    if essence(status) != essence(written) or age_s >= rest_s:
        return True
    moves = any(status.get(name) != written.get(name) for name in SHOWN)
    return moves and age_s >= HEARTBEAT_S


def essence(value: Any) -> Any:
    """A status without the fields that move all the time."""
    if isinstance(value, dict):
        return {key: essence(item) for key, item in value.items() if key not in COUNTS}
    return [essence(item) for item in value] if isinstance(value, list) else value
