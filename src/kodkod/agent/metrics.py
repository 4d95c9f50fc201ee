"""What may a Prometheus read of a node's process? What it observes, as its NodeReport has it, and its rooms' counters.

Plain HTTP and `/metrics` alone: nothing there names a workload, so it may be read by whoever reaches the port.

    kodkod_node_ready                          1 while the process does what it is there for
    kodkod_node_endpoints, _interfaces         workloads' interfaces known, and listened to
    kodkod_node_packets_total                  looked at for logs (agent) or inspection (inspector)
    kodkod_node_drops_total{reason}            packets and facts lost
    kodkod_node_unattributed_total             facts of interfaces that no known workload is behind
    kodkod_node_captures{state}                captures by state
    kodkod_node_capture_packets_total          packets written to capture files, over all captures known here
    kodkod_node_capture_drops_total{reason}    due, but not written
    kodkod_node_capture_bytes, _budget_bytes   capture files, and what they may take
    kodkod_node_disk_free_bytes, _pressure     the capture folder's file system
    kodkod_node_inspections, _alerts_total     an inspector's
    kodkod_node_rules{state}                   full, degraded, skipped
    kodkod_node_spool_bytes                    records that wait for the server
    kodkod_node_records_lost_total             given up: spool full, or refused for good
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import REGISTRY, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kodkod.resources.kinds.node_report import NodeReportStatus

PREFIX = "kodkod_node"


class NodeMetrics(Collector):
    """observe: what is so now, as for the NodeReport."""

    def __init__(self, observe: Callable[[], NodeReportStatus]) -> None:
        self._observe = observe

    def describe(self) -> list[Metric]:
        """Empty: registering asks nothing of a process that is not up yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        status = self._observe()
        yield gauge("ready", "Whether the process does what it is there for", int(status.ready))
        yield gauge("endpoints", "Workload interfaces of the node", status.endpoints)
        yield gauge("interfaces", "Interfaces listened to", status.interfaces)
        yield counter("packets", "Packets looked at", status.packets)
        yield by_label(CounterMetricFamily, "drops", "Packets and facts lost", "reason", status.drops)
        yield counter("unattributed", "Facts of interfaces of no known workload", status.unattributed)
        yield from captures(status)
        yield from inspections(status)
        if status.spool is not None:
            yield gauge("spool_bytes", "Records that wait for the server", status.spool.bytes)
            yield counter("records_lost", "Records given up", status.spool.lost)


def captures(status: NodeReportStatus) -> Iterator[Metric]:
    if status.disk is None:
        return
    states = Counter(str(one.state) for one in status.captures)
    drops: Counter[str] = Counter()
    for one in status.captures:
        drops.update({reason: int(lost) for reason, lost in one.drops.items()})
    yield by_label(GaugeMetricFamily, "captures", "Captures by state", "state", states)
    yield counter("capture_packets", "Packets written", sum(one.packets for one in status.captures))
    yield by_label(CounterMetricFamily, "capture_drops", "Packets due but not written", "reason", drops)
    yield gauge("capture_bytes", "Size of all capture files", status.disk.capture_bytes)
    yield gauge("capture_budget_bytes", "What capture files may take", status.disk.budget_bytes)
    yield gauge("disk_free_bytes", "Free on the capture folder's file system", status.disk.free_bytes)
    yield gauge("disk_pressure", "Whether captures are held back for want of room", int(status.disk.pressure))


def inspections(status: NodeReportStatus) -> Iterator[Metric]:
    if status.rules is None:
        return
    rules = {"full": status.rules.full, "degraded": status.rules.degraded, "skipped": status.rules.skipped}
    yield gauge("inspections", "Inspections of this node", len(status.inspections))
    yield counter("alerts", "Alerts raised", sum(one.alerts for one in status.inspections))
    yield by_label(GaugeMetricFamily, "rules", "Rules of the set in force", "state", rules)


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"{PREFIX}_{name}", text, value=value)


def by_label(
    family: type[GaugeMetricFamily | CounterMetricFamily], name: str, text: str, label: str, values: Mapping[str, Any]
) -> Metric:
    made = family(f"{PREFIX}_{name}", text, labels=[label])
    for key, value in sorted(values.items()):
        made.add_metric([key], value)
    return made


class MetricsServer:
    """Serves while the context is open; `port` is then the one that was had."""

    def __init__(self, host: str, port: int, observe: Callable[[], NodeReportStatus]) -> None:
        self._host, self.port = host, port
        self._registry = CollectorRegistry()
        self._registry.register(NodeMetrics(observe))
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> MetricsServer:
        """Raises OSError where the port cannot be had."""
        app = web.Application()
        app.router.add_get("/metrics", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, _: web.Request) -> web.Response:
        text = generate_latest(self._registry) + generate_latest(REGISTRY)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})
