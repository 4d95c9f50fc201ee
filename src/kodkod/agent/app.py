"""What is one process of a node? A role, the world it follows, its spool and its report, until it is told to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kodkod.agent import telemetry
from kodkod.agent.identities import Identity, PkiFolder, SelfMade
from kodkod.agent.inspector import BoundsChanged, Inspector
from kodkod.agent.metrics import MetricsServer
from kodkod.agent.readiness import ReadyFile
from kodkod.agent.recorder import Recorder
from kodkod.agent.reporter import HEARTBEAT_S, REST_S, Reporter
from kodkod.agent.ship import Shipper
from kodkod.agent.upstream import ClusterUpstream, HostUpstream, Upstream
from kodkod.agent.world import World
from kodkod.clock import SystemClock
from kodkod.inspection import bounds
from kodkod.resources import kinds
from kodkod.resources.kinds.node_report import Role
from kodkod.store.remote import RemoteResources

CAPTURES = Path("/var/log/calico/pcap")
"""Where capture files lie on a cluster's node unless FelixConfiguration says otherwise: the product's default."""
FURTHER = {
    "agent": (kinds.PACKET_CAPTURE,),
    "inspector": (kinds.DEEP_PACKET_INSPECTION, kinds.INTRUSION_DETECTION, kinds.RULE_SET),
}


@dataclass(frozen=True, slots=True)
class OneHost:
    """Server, agent and inspector of one machine. kubeconfig: how to reach the API, and as whom."""

    kubeconfig: Path


@dataclass(frozen=True, slots=True)
class InCluster:
    """A pod of a DaemonSet. server: Kodkod's, not the API's. namespace: our own. address: this node's."""

    server: str
    namespace: str
    address: str


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """data: spool, rules and captures of this host. run_folder: where the file `ready` is kept, if anywhere.

    metrics: host and port to serve them on. rules_folders: rule texts besides those of the data folder.
    """

    role: Role
    data: Path
    node: str
    place: OneHost | InCluster
    run_folder: Path | None = None
    metrics: tuple[str, int] | None = None
    rules_folders: tuple[Path, ...] = ()


async def run(config: AgentConfig) -> None:
    """Work until cancelled. A server that is away is waited for; captures and inspections go on meanwhile."""
    clock = SystemClock()
    telemetry.started(config.role, config.node)
    async with AsyncExitStack() as stack:
        resources, upstream = await stack.enter_async_context(reached(config.place))
        is_one_host = isinstance(config.place, OneHost)
        world = World(resources, config.node, FURTHER[config.role], clock, is_one_host=is_one_host)
        shipper = Shipper(upstream, config.data / "spool" / config.role)
        stack.callback(shipper.close)
        work: Recorder | Inspector
        if config.role == "agent":
            work = Recorder(
                config.node, world, shipper, clock, identity(config, resources, clock),
                capture_folder=config.data / "pcap" if is_one_host else CAPTURES,
                memory_bytes=bounds.of_container()[0].memory_bytes,
            )  # fmt: skip
        else:
            work = Inspector(
                config.node, config.data, world, shipper, clock,
                is_one_host=is_one_host, rules_folders=config.rules_folders,
            )  # fmt: skip
        reporter = Reporter(
            resources, config.node, config.role, clock, work.observe,
            keeps_node=is_one_host, rest_s=HEARTBEAT_S if is_one_host else REST_S,
        )  # fmt: skip
        if config.metrics is not None:
            await stack.enter_async_context(MetricsServer(*config.metrics, work.observe))
        try:
            async with asyncio.TaskGroup() as group:
                for task in (world.run, shipper.run, work.run, reporter.run):
                    group.create_task(task())
                if config.run_folder is not None:
                    group.create_task(ReadyFile(config.run_folder).keep(lambda: work.observe().ready))
        except* BoundsChanged as changed:
            telemetry.ends_for(str(changed.exceptions[0]))  # the supervisor starts us anew, under the new bounds


def identity(config: AgentConfig, resources: RemoteResources, clock: SystemClock) -> Identity:
    match config.place:
        case OneHost():
            return PkiFolder(config.data / "pki")
        case InCluster(_, namespace, address):
            return SelfMade(config.node, address, resources, namespace, clock)


@asynccontextmanager
async def reached(place: OneHost | InCluster) -> AsyncIterator[tuple[RemoteResources, Upstream]]:
    """The API and Kodkod's server, as seen from where we run."""
    match place:
        case OneHost(kubeconfig):
            async with RemoteResources.from_kubeconfig(kubeconfig) as resources:
                yield resources, HostUpstream(resources)
        case InCluster(server, namespace, address):
            async with RemoteResources.in_cluster() as resources:
                upstream = ClusterUpstream(server, resources, namespace, address)
                try:
                    yield resources, upstream
                finally:
                    await upstream.close()
