"""How does a node keep flow and DNS records? Listens to every endpoint of the node, flushes at the configured pace.

One socket hears all interfaces of the host, those to come included, so that a pod's first packet is counted and an idle
pod costs nothing; named network namespaces have a ring each. One thread owns it and calls `reconcile` and `turn` again
and again; the engine's own threads count packets, so a turn costs only what there is to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from kodkod.endpoints import Endpoint
from kodkod.endpoints.attachments import Attachments
from kodkod.endpoints.links import LinkTable
from kodkod.endpoints.parties import Parties
from kodkod.flowlogs import telemetry
from kodkod.flowlogs.attribution import Attributed, Attribution
from kodkod.flowlogs.records import Interval, Record, dns_records, flow_records
from kodkod.resources.durations import parse_duration

if TYPE_CHECKING:
    from kodkod._core import FactKind, Facts, InterfaceCounters

FLUSH_S = 10.0
AGAIN_S = 5.0
SHARED_TAG = 0
"""Under which the engine counts what is the shared socket's own affair."""
OWN_RING_TAGS = 1 << 24
"""Tags below are kernel indices of interfaces; from here on they are those of single rings."""
FACTS: tuple[FactKind, ...] = ("flows", "dns")
NO_LINKS = LinkTable()
FACTS_MAX = 200_000  # facts held between two flushes; more are counted as lost, a node must not die of a port scan


class Live(Protocol):
    """What flow logs need of `kodkod._core.Live`."""

    def attach(self, tag: int, interface: str, *, netns: str | None = None, facts: Sequence[FactKind] = ()) -> None: ...
    def attach_all(self, *, facts: Sequence[FactKind] = (), ignore: Sequence[int] = ()) -> None: ...
    def ignore(self, links: Sequence[int]) -> None: ...
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
        self.attachments = Attachments(link, first_tag=OWN_RING_TAGS)
        self.attribution = Attribution()
        self._listens = False
        self._listens_again_at: datetime | None = None
        self._ignored: list[int] = []
        self._mapped = 0
        self._seen: dict[int, InterfaceCounters] = {}
        self._gone_packets = 0
        self._gone_drops: dict[str, int] = {}
        self._found = Attributed()
        self._flow_since: datetime | None = None
        self._dns_since: datetime | None = None
        self.lost = 0

    def reconcile(
        self, endpoints: Sequence[Endpoint], now: datetime, *, links: LinkTable = NO_LINKS,
        departed: Sequence[Endpoint] = (),
    ) -> None:  # fmt: skip
        """Listen to exactly these endpoints. departed: whose facts may still be under way."""
        mapped = {endpoint.link for endpoint in endpoints if endpoint.link is not None}
        self._mapped = len(mapped)
        self._listen(links.of_nobody(mapped), now)
        self.attribution.know(endpoints, departed)
        own = [endpoint for endpoint in endpoints if endpoint.netns is not None]
        self.attachments.reconcile(self._live, own, now, self._attach)

    @property
    def interfaces(self) -> int:
        """How many endpoints' interfaces are listened to."""
        return (self._mapped if self._listens else 0) + len(self.attachments.attached)

    def turn(self, parties: Parties, settings: Settings, now: datetime, *, wait_s: float) -> dict[str, list[Record]]:
        """Take what the engine has, waiting at most wait_s for something; records of the data sets that are due."""
        self._flow_since = self._flow_since or now
        self._dns_since = self._dns_since or now
        flow_due = (now - self._flow_since).total_seconds() >= settings.flow_flush_s
        dns_due = (now - self._dns_since).total_seconds() >= settings.dns_flush_s
        if flow_due:
            self._live.flush()
        self._take(self._live.drain(wait_s), now)
        out: dict[str, list[Record]] = {}
        if flow_due:
            out["flows"] = flow_records(
                self._found.flows,
                parties,
                host=self.node,
                interval=_between(self._flow_since, now),
                level=settings.level,
            )
            self._found, self._flow_since = Attributed(dns=self._found.dns), now
        if dns_due:
            out["dns"] = dns_records(self._found.dns, parties, host=self.node, interval=_between(self._dns_since, now))
            self._found, self._dns_since = Attributed(flows=self._found.flows), now
        return {dataset: records for dataset, records in out.items() if records}

    def totals(self) -> tuple[int, dict[str, int]]:
        """Packets looked at; packets and facts lost, by reason. Interfaces that went are counted on."""
        now = self._live.counters()
        for tag in [tag for tag in self._seen if tag not in now]:
            gone = self._seen.pop(tag)
            self._gone_packets += gone["packets"]
            self._gone_drops = added(self._gone_drops, gone["drops"])
        self._seen.update(now)
        drops = dict(self._gone_drops)
        for counters in now.values():
            drops = added(drops, counters["drops"])
        packets = self._gone_packets + sum(counters["packets"] for counters in now.values())
        return packets, {**drops, "facts": self.lost} if self.lost else drops

    def close(self) -> None:
        self._live.close()

    def _listen(self, ignored: list[int], now: datetime) -> None:
        """Keep the shared socket open. A failure is tried again, and told by whoever sees that nothing is heard."""
        shared = self._live.counters().get(SHARED_TAG) if self._listens else None
        if shared is not None and shared["error"]:
            telemetry.not_listening(shared["error"])
            self._live.detach(SHARED_TAG)
            self._listens = False
        if self._listens:
            if ignored != self._ignored:
                self._live.ignore(ignored)
                self._ignored = ignored
        elif self._listens_again_at is None or now >= self._listens_again_at:
            try:
                self._live.attach_all(facts=FACTS, ignore=ignored)
                self._listens, self._ignored = True, ignored
            except OSError as error:
                telemetry.not_listening(str(error))
                self._listens_again_at = now + timedelta(seconds=AGAIN_S)

    def _attach(self, tag: int, endpoint: Endpoint) -> None:
        self._live.attach(tag, endpoint.interface, netns=endpoint.netns, facts=FACTS)

    def _take(self, facts: Facts, now: datetime) -> None:
        own = self.attachments.by_tag
        if own:
            flows = [(own[flow["tag"]], flow) for flow in facts["flows"] if flow["tag"] in own]
            dns = [(own[one["tag"]], one) for one in facts["dns"] if one["tag"] in own]
            self._keep(Attributed(flows, dns))
        shared: Facts = {
            "alerts": [],
            "flows": [flow for flow in facts["flows"] if flow["tag"] < OWN_RING_TAGS],
            "dns": [one for one in facts["dns"] if one["tag"] < OWN_RING_TAGS],
        }
        self._keep(self.attribution.attribute(shared, now))

    def _keep(self, more: Attributed) -> None:
        room = max(0, FACTS_MAX - len(self._found))
        self.lost += max(0, len(more) - room)
        self._found.extend(Attributed(more.flows[:room], more.dns[: max(0, room - len(more.flows))]))


def added(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {reason: left.get(reason, 0) + right.get(reason, 0) for reason in {*left, *right}}


def _between(start: datetime, end: datetime) -> Interval:
    return Interval(int(start.timestamp()), int(end.timestamp()))


def _interval(text: object) -> float:
    try:
        return max(1.0, parse_duration(str(text))) if text else FLUSH_S
    except ValueError:
        return FLUSH_S
