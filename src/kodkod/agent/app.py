"""What is one process of a node? A role, the world it follows, its spool and its report, until it is told to end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from kodkod.agent import telemetry
from kodkod.agent.inspector import BoundsChanged, Inspector
from kodkod.agent.recorder import Recorder
from kodkod.agent.reporter import Reporter
from kodkod.agent.ship import Shipper
from kodkod.agent.world import World
from kodkod.clock import SystemClock
from kodkod.resources import kinds
from kodkod.resources.kinds.node_report import Role
from kodkod.store.remote import RemoteResources

FURTHER = {
    "agent": (kinds.PACKET_CAPTURE,),
    "inspector": (kinds.DEEP_PACKET_INSPECTION, kinds.INTRUSION_DETECTION),
}


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """kubeconfig: how to reach the API, and as whom. data: spool, rules and captures of this host."""

    role: Role
    data: Path
    kubeconfig: Path
    node: str


async def run(config: AgentConfig) -> None:
    """Work until cancelled. A server that is away is waited for; captures and inspections go on meanwhile."""
    clock = SystemClock()
    telemetry.started(config.role, config.node)
    async with RemoteResources.from_kubeconfig(config.kubeconfig) as resources:
        world = World(resources, config.node, FURTHER[config.role])
        shipper = Shipper(resources, config.data / "spool" / config.role)
        work: Recorder | Inspector
        if config.role == "agent":
            work = Recorder(config.node, config.data, world, shipper, clock)
        else:
            work = Inspector(config.node, config.data, world, shipper, clock)
        reporter = Reporter(resources, config.node, config.role, clock, work.observe)
        try:
            async with asyncio.TaskGroup() as group:
                for task in (world.run, shipper.run, work.run, reporter.run):
                    group.create_task(task())
        except* BoundsChanged as changed:
            telemetry.ends_for(str(changed.exceptions[0]))  # the supervisor starts us anew, under the new bounds
        finally:
            shipper.close()
