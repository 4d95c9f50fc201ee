"""How does a node inspect? Owns one engine over all inspected endpoints; alerts become events here.

One thread owns it: `reconcile` when something changed, `turn` again and again. The engine's own threads look at
packets; rules are swapped without losing a flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from kodkod.clock import rfc3339
from kodkod.endpoints import Endpoint
from kodkod.endpoints.attachments import Attachments
from kodkod.endpoints.parties import Parties
from kodkod.inspection import enrich, telemetry
from kodkod.inspection.plan import Bounds, Inspection, assign, selected
from kodkod.resources.kinds.node_report import (
    ERROR_CONDITIONS_MAX,
    EngineReport,
    ErrorCondition,
    InspectionReport,
    RulesReport,
)

if TYPE_CHECKING:
    from kodkod._core import FactKind, Facts, InterfaceCounters

Event = dict[str, Any]


class Live(Protocol):
    """What inspection needs of `kodkod._core.Live`."""

    def attach(
        self,
        tag: int,
        interface: str,
        *,
        netns: str | None = None,
        rules: Any = None,
        facts: Sequence[FactKind] = (),
    ) -> None: ...
    def set_rules(self, tag: int, rules: Any) -> None: ...
    def detach(self, tag: int) -> None: ...
    def drain(self, wait_s: float) -> Facts: ...
    def counters(self) -> dict[int, InterfaceCounters]: ...
    def close(self) -> None: ...


LiveOpener = Callable[[Bounds], Live]


@dataclass(frozen=True, slots=True)
class Rules:
    """A compiled rule set and what became of its texts. `problems`: one line for each rule that is not loaded."""

    compiled: Any
    digest: str
    full: int = 0
    degraded: int = 0
    skipped: int = 0
    sources: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Ledger:
    """What is remembered of one inspection: alerts, and errors by message with the time each was seen last."""

    alerts: int = 0
    errors: dict[str, str] = field(default_factory=dict)


class InspectionNode:
    """Owns the engine of an inspector."""

    def __init__(
        self,
        node: str,
        opener: LiveOpener,
        *,
        confine: Callable[[Bounds], str] = lambda _: "none",
        link: Callable[[str], int | None] | None = None,
        strict: bool = False,
    ) -> None:
        self.node = node
        self._opener = opener
        self._confine = confine
        self._strict = strict
        self._live: Live | None = None
        self._bounds: Bounds | None = None
        self._cgroup = ""
        self._rules: Rules | None = None
        self._rules_error = ""
        self._in_force: dict[int, str] = {}
        self._wanted: dict[str, list[Inspection]] = {}
        self._recent: dict[str, list[Inspection]] = {}
        self._ledgers: dict[str, _Ledger] = {}
        self.attachments = Attachments(link)

    def set_rules(self, rules: Rules) -> None:
        """Put a rule set in force on every interface."""
        self._rules, self._rules_error = rules, ""
        telemetry.rules_loaded(rules.digest, rules.full, rules.degraded, rules.skipped)
        self._swap_rules()

    def rules_failed(self, cause: str) -> None:
        """A set could not be loaded; the one in force stays."""
        self._rules_error = cause
        telemetry.rules_failed(cause)

    def reconcile(
        self, inspections: Sequence[Inspection], endpoints: Sequence[Endpoint], bounds: Bounds, now: datetime
    ) -> None:
        """Inspect exactly what is asked. Without any inspection or before rules are there, no engine runs."""
        self._wanted = assign(inspections, endpoints)
        self._recent = {**self._recent, **self._wanted}
        self._ledgers = {one.uid: self._ledgers.get(one.uid, _Ledger()) for one in inspections}
        if not inspections or self._rules is None:
            self._stop_engine()
            return
        live = self._engine(bounds)
        self.attachments.reconcile(live, [one for one in endpoints if one.id in self._wanted], now, self._attach)
        self._swap_rules()

    def turn(self, parties: Parties, wait_s: float) -> list[Event]:
        """Events of the alerts found since the last turn, waiting at most wait_s for one."""
        if self._live is None:
            return []
        by_tag = self.attachments.by_tag
        events = []
        for alert in self._live.drain(wait_s)["alerts"]:
            endpoint = by_tag.get(alert["tag"])
            for inspection in self._recent.get(endpoint.id, ()) if endpoint else ():
                ledger = self._ledgers.get(inspection.uid)
                if ledger is None:
                    continue  # deleted meanwhile: nobody asks for it any more
                ledger.alerts += 1
                events.append(enrich.event(alert, inspection, parties, node=self.node, strict=self._strict))
        return events

    @property
    def is_running(self) -> bool:
        return self._live is not None

    def is_ready(self, inspections: Sequence[Inspection], endpoints: Sequence[Endpoint]) -> bool:
        """Rules are in force, and every selected endpoint is attached to or has its failure on record."""
        if not inspections:
            return True
        attached, failures = self.attachments.attached, self.attachments.failures
        return self._rules is not None and all(
            endpoint.id in attached or endpoint.id in failures
            for inspection in inspections
            for endpoint in selected(inspection, endpoints)
        )

    def reports(
        self, inspections: Sequence[Inspection], endpoints: Sequence[Endpoint], now: datetime
    ) -> list[InspectionReport]:
        """What is so for each inspection."""
        counters = self._live.counters() if self._live else {}
        return [self._report(inspection, endpoints, counters, now) for inspection in inspections]

    def rules_report(self) -> RulesReport | None:
        rules = self._rules
        if rules is None:
            return None
        return RulesReport(
            digest=rules.digest,
            full=rules.full,
            degraded=rules.degraded,
            skipped=rules.skipped,
            sources=list(rules.sources),
        )

    def engine_report(self) -> EngineReport | None:
        if self._bounds is None:
            return None
        return EngineReport(workers=self._bounds.workers, memory_bytes=self._bounds.engine_bytes, cgroup=self._cgroup)

    def totals(self) -> tuple[int, dict[str, int]]:
        """Packets looked at; packets lost, by reason."""
        return self.attachments.totals(self._live) if self._live else (0, {})

    def close(self) -> None:
        self._stop_engine()

    def _engine(self, bounds: Bounds) -> Live:
        """The engine under these bounds; other bounds mean another engine, since threads and tables are made once."""
        if self._live is not None and bounds == self._bounds:
            return self._live
        self._stop_engine()
        self._cgroup = self._confine(bounds)
        self._live, self._bounds = self._opener(bounds), bounds
        telemetry.engine_started(bounds.workers, bounds.engine_bytes, self._cgroup)
        return self._live

    def _stop_engine(self) -> None:
        if self._live is not None:
            self._live.close()
            self._live = None
            self.attachments.reset()
            self._in_force.clear()

    def _attach(self, tag: int, endpoint: Endpoint) -> None:
        assert self._live is not None and self._rules is not None
        self._live.attach(tag, endpoint.interface, netns=endpoint.netns, rules=self._rules.compiled, facts=("alerts",))
        self._in_force[tag] = self._rules.digest

    def _swap_rules(self) -> None:
        if self._live is None or self._rules is None:
            return
        tags = {one.tag for one in self.attachments.attached.values()}
        for tag in sorted(tags):
            if self._in_force.get(tag) != self._rules.digest:
                self._live.set_rules(tag, self._rules.compiled)
        self._in_force = dict.fromkeys(tags, self._rules.digest)

    def _report(
        self,
        inspection: Inspection,
        endpoints: Sequence[Endpoint],
        counters: Mapping[int, InterfaceCounters],
        now: datetime,
    ) -> InspectionReport:
        chosen = selected(inspection, endpoints)
        tags = [one.tag for endpoint in chosen if (one := self.attachments.attached.get(endpoint.id)) is not None]
        seen = [counters[tag] for tag in tags if tag in counters]
        ledger = self._ledgers.setdefault(inspection.uid, _Ledger())
        blocking = self._blocking(inspection, chosen)
        _remember(ledger, blocking, self._rule_problems(), rfc3339(now))
        drops: dict[str, int] = {}
        for one in seen:
            for reason, count in one["drops"].items():
                drops[reason] = drops.get(reason, 0) + count
        return InspectionReport(
            namespace=inspection.namespace,
            name=inspection.name,
            uid=inspection.uid,
            generation=inspection.generation,
            success=not blocking and len(tags) == len(chosen),
            selected=len(chosen),
            attached=len(tags),
            packets=sum(one["packets"] for one in seen),
            alerts=ledger.alerts,
            drops=drops,
            error_conditions=[
                ErrorCondition(message=message, last_updated=seen_at)
                for message, seen_at in list(ledger.errors.items())[-ERROR_CONDITIONS_MAX:]
            ],
        )

    def _blocking(self, inspection: Inspection, chosen: Sequence[Endpoint]) -> list[str]:
        """What keeps it from running on all its endpoints."""
        found = [inspection.fault] if inspection.fault else []
        if self._rules is None:
            found.append(self._rules_error or "rules are not loaded yet")
        failures = self.attachments.failures
        found += [f"{one.workload}: {failures[one.id].message}" for one in chosen if one.id in failures]
        return found

    def _rule_problems(self) -> list[str]:
        """What is wrong with rules while the others run."""
        found = list(self._rules.problems[:ERROR_CONDITIONS_MAX]) if self._rules else []
        return [*found, self._rules_error] if self._rules is not None and self._rules_error else found


def _remember(ledger: _Ledger, blocking: Sequence[str], problems: Sequence[str], now: str) -> None:
    """Errors that hold at present, each once, the newest last; what no longer holds is cleared."""
    current = [*problems, *blocking]
    kept = {message: seen_at for message, seen_at in ledger.errors.items() if message in current}
    ledger.errors = {**kept, **{message: kept.get(message, now) for message in current}}
