"""What does the agent do all day? Captures as asked, and records of flows and DNS of every endpoint of the node."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from kodkod import _core
from kodkod.agent import telemetry
from kodkod.agent.identities import Identity
from kodkod.agent.serve_files import FileServer
from kodkod.agent.ship import Shipper
from kodkod.agent.world import View, World
from kodkod.capture import intent
from kodkod.capture import settings as capture_settings
from kodkod.capture.node import CaptureNode
from kodkod.clock import Clock
from kodkod.flowlogs import node as flows
from kodkod.flowlogs.node import FlowNode
from kodkod.resources import kinds
from kodkod.resources.kinds.node_report import CaptureReport, NodeReportStatus

STEP_MAX = timedelta(seconds=2)
"""Captures are looked at this often though nothing changed: files vanish, links flap, disks fill."""
TURN_S = 0.5
MEMORY_BYTES = 256 * 1024 * 1024
"""What the table of flows may take, at most a quarter of what the whole process may: captures take their share, a ring
of 2 MiB for each interface."""


class Recorder:
    """Role agent. Blocking work runs in threads; each node object is used by one task.

    memory_bytes: what this whole process may take.
    """

    def __init__(
        self, node: str, world: World, shipper: Shipper, clock: Clock, identity: Identity,
        *, capture_folder: Path, memory_bytes: int = 4 * MEMORY_BYTES,
    ) -> None:  # fmt: skip
        self._node = node
        self._capture_folder = capture_folder
        self._world = world
        self._shipper = shipper
        self._clock = clock
        self._captures = CaptureNode(node, _core.Capture)
        self._flows = FlowNode(node, _core.Live(workers=1, memory_bytes=min(MEMORY_BYTES, memory_bytes // 4)))
        self._files = FileServer(self._captures, identity)
        self._reports: list[CaptureReport] = []
        self._ready = False
        self._heard: View | None = None
        self._heard_again_at = clock.now()

    async def run(self) -> None:
        """Until cancelled; recordings are closed in order at the end."""
        try:
            await self._world.synced()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._files.start())
                group.create_task(self._record())
                group.create_task(self._count())
        finally:
            await self._files.close()
            await asyncio.to_thread(self._captures.close)
            await asyncio.to_thread(self._flows.close)

    def observe(self) -> NodeReportStatus:
        """What is so now, for the NodeReport."""
        packets, drops = self._flows.totals() if self._ready else (0, {})
        return NodeReportStatus(
            ready=self._ready,
            address=self._files.address,
            certificate=self._files.certificate,
            endpoints=len(self._world.endpoints()),
            interfaces=self._flows.interfaces,
            packets=packets,
            drops=drops,
            unattributed=self._flows.attribution.unattributed,
            captures=self._reports,
            disk=self._captures.disk,
            spool=self._shipper.report(),
        )

    async def _record(self) -> None:
        """Step the captures whenever something changed, a window's edge is reached, or time is up."""
        while True:
            self._world.changed.clear()
            captures = [intent.read(obj) for obj in self._world.objects(kinds.PACKET_CAPTURE)]
            settings = capture_settings.read(
                self._world.objects(kinds.FELIX_CONFIGURATION),
                node=self._node,
                default_directory=str(self._capture_folder),
            )
            now = self._clock.now()
            try:
                self._reports = await asyncio.to_thread(
                    self._captures.step, captures, self._world.endpoints(), settings, now
                )
                self._ready = True
            except Exception as error:  # a step is tried again; the recordings that run go on meanwhile
                telemetry.step_failed("captures", error)
            edge = self._captures.next_change(captures, self._clock.now())
            left_s = (edge - self._clock.now()).total_seconds() if edge is not None else STEP_MAX.total_seconds()
            try:
                async with asyncio.timeout(min(max(left_s, 0.05), STEP_MAX.total_seconds())):
                    await self._world.changed.wait()
            except TimeoutError:
                continue

    async def _count(self) -> None:
        """Hear every endpoint and ship what is due."""
        while True:
            settings = flows.read_settings(self._world.objects(kinds.FELIX_CONFIGURATION), node=self._node)
            try:
                due = await asyncio.to_thread(self._turn, self._world.view, settings)
            except Exception as error:
                telemetry.step_failed("flow logs", error)
                await asyncio.sleep(TURN_S)
                continue
            for dataset, records in due.items():
                self._shipper.add(dataset, records)

    def _turn(self, view: View, settings: flows.Settings) -> dict[str, list[dict[str, object]]]:
        """In a thread. What has not changed is not looked at again, except now and then for what broke."""
        now = self._clock.now()
        if view is not self._heard or now >= self._heard_again_at:
            self._flows.reconcile(view.endpoints, now, links=view.links, departed=view.departed)
            self._heard, self._heard_again_at = view, now + STEP_MAX
        return self._flows.turn(view.parties, settings, now, wait_s=TURN_S)
