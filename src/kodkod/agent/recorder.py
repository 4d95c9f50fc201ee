"""What does the agent do all day? Captures as asked, and records of flows and DNS of every endpoint of the node."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kodkod import _core
from kodkod.agent import telemetry
from kodkod.agent.serve_files import FileServer
from kodkod.agent.ship import Shipper
from kodkod.agent.world import World
from kodkod.capture import intent
from kodkod.capture import settings as capture_settings
from kodkod.capture.node import CaptureNode
from kodkod.clock import Clock
from kodkod.endpoints.parties import Parties
from kodkod.flowlogs import node as flows
from kodkod.flowlogs.node import FlowNode
from kodkod.resources import kinds
from kodkod.resources.kinds.node_report import CaptureReport, NodeReportStatus

STEP_S_MAX = 2.0
"""Captures are looked at this often though nothing changed: files vanish, links flap, disks fill."""
TURN_S = 0.5
MEMORY_BYTES = 256 * 1024 * 1024


class Recorder:
    """Role agent. Blocking work runs in threads; each node object is used by one task."""

    def __init__(self, node: str, data: Path, world: World, shipper: Shipper, clock: Clock) -> None:
        self._node = node
        self._data = data
        self._world = world
        self._shipper = shipper
        self._clock = clock
        self._captures = CaptureNode(node, _core.Capture)
        self._flows = FlowNode(node, _core.Live(workers=1, memory_bytes=MEMORY_BYTES))
        self._files = FileServer(self._captures, data / "pki")
        self._reports: list[CaptureReport] = []
        self._ready = False

    async def run(self) -> None:
        """Until cancelled; recordings are closed in order at the end."""
        await self._files.start()
        try:
            await self._world.synced()
            async with asyncio.TaskGroup() as group:
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
            endpoints=len(self._world.endpoints()),
            interfaces=len(self._flows.attachments.attached),
            packets=packets,
            drops=drops,
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
                default_directory=str(self._data / "pcap"),
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
            left_s = (edge - self._clock.now()).total_seconds() if edge is not None else STEP_S_MAX
            try:
                async with asyncio.timeout(min(max(left_s, 0.05), STEP_S_MAX)):
                    await self._world.changed.wait()
            except TimeoutError:
                continue

    async def _count(self) -> None:
        """Keep the flow engine attached to every endpoint and ship what is due."""
        while True:
            now = self._clock.now()
            settings = flows.read_settings(self._world.objects(kinds.FELIX_CONFIGURATION), node=self._node)
            try:
                await asyncio.to_thread(self._flows.reconcile, self._world.endpoints(), now)
                due = await asyncio.to_thread(self._turn, self._world.parties(), settings)
            except Exception as error:
                telemetry.step_failed("flow logs", error)
                await asyncio.sleep(TURN_S)
                continue
            for dataset, records in due.items():
                self._shipper.add(dataset, records)

    def _turn(self, parties: Parties, settings: flows.Settings) -> dict[str, list[dict[str, object]]]:
        return self._flows.turn(parties, settings, self._clock.now(), wait_s=TURN_S)
