"""How does a node keep flow and DNS records? Listens to every endpoint of the node, flushes at the configured pace.

One thread owns it and calls `turn` again and again; the engine's own threads count packets, so a turn costs only what
there is to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kodkod.endpoints import Endpoint
from kodkod.endpoints.attachments import Attachments
from kodkod.endpoints.parties import Parties
from kodkod.flowlogs.records import Interval, Record, dns_records, flow_records
from kodkod.resources.durations import parse_duration

if TYPE_CHECKING:
    from kodkod._core import Dns, FactKind, Facts, Flow, InterfaceCounters

FLUSH_S = 10.0
FACTS_MAX = 200_000  # facts held between two flushes; more are counted as lost, a node must not die of a port scan


class Live(Protocol):
    """What flow logs need of `kodkod._core.Live`."""

    def attach(self, tag: int, interface: str, *, netns: str | None = None, facts: Sequence[FactKind] = ()) -> None: ...
    def detach(self, tag: int) -> None: ...
    def drain(self, wait_s: float) -> Facts: ...
    def flush(self) -> None: ...
    def counters(self) -> dict[int, InterfaceCounters]: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """Pace and aggregation, from FelixConfiguration; our default is 10 s where the product's documents say 5 m."""

    flow_flush_s: float = FLUSH_S
    dns_flush_s: float = FLUSH_S
    level: int = 1


def read_settings(configurations: Iterable[Mapping[str, Any]], *, node: str) -> Settings:
    """From all FelixConfiguration objects: `default`, overridden by `node.{name}`."""
    spec: dict[str, Any] = {}
    by_name = {obj["metadata"]["name"]: obj.get("spec") or {} for obj in configurations}
    for name in ("default", f"node.{node}"):
        spec.update({key: value for key, value in by_name.get(name, {}).items() if value is not None})
    level = spec.get("flowLogsFileAggregationKindForAllowed")
    return Settings(
        flow_flush_s=_interval(spec.get("flowLogsFlushInterval")),
        dns_flush_s=_interval(spec.get("dnsLogsFlushInterval")),
        level=level if isinstance(level, int) and 0 <= level <= 3 else 1,
    )


class FlowNode:
    """Owns the engine that counts flows on a node."""

    def __init__(self, node: str, live: Live, *, link: Callable[[str], int | None] | None = None) -> None:
        self.node = node
        self._live = live
        self.attachments = Attachments(link)
        self._flows: list[Flow] = []
        self._dns: list[Dns] = []
        self._flow_since: datetime | None = None
        self._dns_since: datetime | None = None
        self.lost = 0

    def reconcile(self, endpoints: Sequence[Endpoint], now: datetime) -> None:
        """Listen to exactly these endpoints."""
        self.attachments.reconcile(self._live, endpoints, now, self._attach)

    def turn(self, parties: Parties, settings: Settings, now: datetime, *, wait_s: float) -> dict[str, list[Record]]:
        """Take what the engine has, waiting at most wait_s for something; records of the data sets that are due."""
        self._flow_since = self._flow_since or now
        self._dns_since = self._dns_since or now
        flow_due = (now - self._flow_since).total_seconds() >= settings.flow_flush_s
        dns_due = (now - self._dns_since).total_seconds() >= settings.dns_flush_s
        if flow_due:
            self._live.flush()
        self._take(self._live.drain(wait_s))
        out: dict[str, list[Record]] = {}
        if flow_due:
            out["flows"] = flow_records(
                self._flows,
                self.attachments.by_tag,
                parties,
                host=self.node,
                interval=_between(self._flow_since, now),
                level=settings.level,
            )
            self._flows, self._flow_since = [], now
        if dns_due:
            out["dns"] = dns_records(
                self._dns, self.attachments.by_tag, parties, host=self.node, interval=_between(self._dns_since, now)
            )
            self._dns, self._dns_since = [], now
        return {dataset: records for dataset, records in out.items() if records}

    def totals(self) -> tuple[int, dict[str, int]]:
        """Packets looked at; packets and facts lost, by reason."""
        packets, drops = self.attachments.totals(self._live)
        return packets, {**drops, "facts": self.lost} if self.lost else drops

    def close(self) -> None:
        self._live.close()

    def _attach(self, tag: int, endpoint: Endpoint) -> None:
        self._live.attach(tag, endpoint.interface, netns=endpoint.netns, facts=("flows", "dns"))

    def _take(self, facts: Facts) -> None:
        room = max(0, FACTS_MAX - len(self._flows) - len(self._dns))
        self._flows += facts["flows"][:room]
        self._dns += facts["dns"][: max(0, room - len(facts["flows"]))]
        self.lost += max(0, len(facts["flows"]) + len(facts["dns"]) - room)


def _between(start: datetime, end: datetime) -> Interval:
    return Interval(int(start.timestamp()), int(end.timestamp()))


def _interval(text: object) -> float:
    try:
        return max(1.0, parse_duration(str(text))) if text else FLUSH_S
    except ValueError:
        return FLUSH_S
