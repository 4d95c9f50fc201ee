"""What does the inspector do all day? Judges packets of selected endpoints by rules, within its bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from kodkod import _core
from kodkod.agent import telemetry
from kodkod.agent.ship import Shipper
from kodkod.agent.world import World
from kodkod.clock import Clock
from kodkod.events.event import Event
from kodkod.inspection import bounds, plan, rule_objects
from kodkod.inspection.bounds import Bounds
from kodkod.inspection.node import InspectionNode
from kodkod.resources import kinds
from kodkod.resources.kinds.node_report import (
    EngineReport,
    InspectionReport,
    NodeReportStatus,
    RuleSetReport,
    RulesReport,
)

STEP_S = 1.0
DRAIN_S = 0.25


class Inspector:
    """Role inspector. Bounds are taken at the start; when they change the process ends and is started anew.

    is_one_host: whether this process holds itself within bounds, by a control group of its own; in a cluster the
    kubelet does. rules_folders: rule texts besides those of the data folder.
    """

    def __init__(
        self, node: str, data: Path, world: World, shipper: Shipper, clock: Clock, *, is_one_host: bool = True,
        rules_folders: Sequence[Path] = (),
    ) -> None:  # fmt: skip
        self._name = node
        self._data = data
        self._world = world
        self._shipper = shipper
        self._clock = clock
        self._is_one_host = is_one_host
        self._rules_folders = rules_folders
        self._asked = Bounds()
        self._bounds = Bounds()
        self._cgroup = ""
        self._node: InspectionNode | None = None
        self._reports: list[InspectionReport] = []
        self._rules: RulesReport | None = None
        self._rule_sets: list[RuleSetReport] = []
        self._packets = 0
        self._drops: dict[str, int] = {}

    async def run(self) -> None:
        """Until cancelled, or until the bounds have changed."""
        await self._world.synced()
        self._asked = bounds.read(self._world.objects(kinds.INTRUSION_DETECTION))
        if self._is_one_host:
            self._bounds, self._cgroup = self._asked, bounds.confine(self._asked)
        else:
            allowed, self._cgroup = bounds.of_container()
            self._bounds = bounds.smaller(self._asked, allowed)
        live = _core.Live(workers=self._bounds.workers, memory_bytes=self._bounds.engine_bytes)
        node = InspectionNode(self._name, live, self._compile, self._data, folders=self._rules_folders)
        self._node = node
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._step(node))
                group.create_task(self._drain(node))
        finally:
            await asyncio.to_thread(node.close)
            if self._is_one_host:
                bounds.release()

    def observe(self) -> NodeReportStatus:
        """What is so now, for the NodeReport."""
        return NodeReportStatus(
            ready=self._rules is not None,
            endpoints=len(self._world.endpoints()),
            interfaces=len(self._node.attachments.attached) if self._node is not None else 0,
            packets=self._packets,
            drops=self._drops,
            inspections=self._reports,
            rules=self._rules,
            rule_sets=self._rule_sets,
            engine=EngineReport(
                workers=self._bounds.workers,
                memory_bytes=self._bounds.engine_bytes,
                cpu_millis=self._bounds.cpu_millis,
                limit_bytes=self._bounds.limit_bytes,
                cgroup=self._cgroup,
            ),
            spool=self._shipper.report(),
        )

    def _compile(self, sources: Sequence[tuple[str, bytes]], classification: bytes | None) -> _core.RuleSet:
        cache = self._data / "cache"
        cache.mkdir(exist_ok=True)
        return _core.RuleSet.compile(sources, classification=classification, cache_dir=str(cache))

    async def _step(self, node: InspectionNode) -> None:
        while True:
            self._world.changed.clear()
            if bounds.read(self._world.objects(kinds.INTRUSION_DETECTION)) != self._asked:
                raise BoundsChanged("IntrusionDetection asks for other bounds")
            inspections = [plan.read(obj) for obj in self._world.objects(kinds.DEEP_PACKET_INSPECTION)]
            rule_sets = [rule_objects.read(obj) for obj in self._world.objects(kinds.RULE_SET)]
            now = self._clock.now()
            try:
                await asyncio.to_thread(node.step, inspections, self._world.endpoints(), now, rule_sets)
                self._reports = node.reports(now)
                self._packets, self._drops = node.totals()
                self._rules = node.rules_report() if node.is_ready else None
                self._rule_sets = node.rule_set_reports()
            except Exception as error:  # the next step tries again; what is attached goes on meanwhile
                telemetry.step_failed("inspections", error)
            try:
                async with asyncio.timeout(STEP_S):
                    await self._world.changed.wait()
            except TimeoutError:
                continue

    async def _drain(self, node: InspectionNode) -> None:
        while True:
            try:
                events: list[Event] = await asyncio.to_thread(node.drain, self._world.parties(), DRAIN_S)
            except Exception as error:  # one batch is lost and told; those that come are not
                telemetry.step_failed("alerts", error)
                await asyncio.sleep(DRAIN_S)
                continue
            if events:
                self._shipper.add("events", [event.to_record() for event in events])


class BoundsChanged(Exception):
    """The supervisor has to start this process anew, under other bounds."""
