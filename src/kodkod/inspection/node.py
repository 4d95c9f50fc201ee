"""How does a node inspect? Keeps the engine attached to what is selected, rules fresh, and turns alerts into events.

`step` and `drain` may block and may be called from two threads, a lock keeps their books apart; the engine's own
threads judge the packets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kodkod.clock import rfc3339_micro
from kodkod.endpoints import Endpoint
from kodkod.endpoints.attachments import Attachments, link_index
from kodkod.endpoints.parties import Parties
from kodkod.events.event import Event
from kodkod.inspection import rulesets, telemetry
from kodkod.inspection.enrich import event_of
from kodkod.inspection.plan import Assignment, Inspection, plan
from kodkod.inspection.rule_objects import Base, RuleObject, RuleObjects
from kodkod.resources.kinds.node_report import (
    ERROR_CONDITIONS_MAX,
    ErrorCondition,
    InspectionReport,
    RuleSetReport,
    RulesReport,
)

if TYPE_CHECKING:
    from kodkod._core import FactKind, Facts, InterfaceCounters, Receipt, RuleSet

AUTHORS_FAULTS = frozenset(
    {"syntax", "argument", "unknown-option", "unknown-action", "pcre", "ports", "addresses", "no-sid"}
)
LATE_MAX = 4096
"""Endpoints remembered after they left, since a pod may be gone before its last alert is drained."""
BAD_RULES_NAMED = 3
"""Of the rules that are skipped, how many are named in an error condition; `rules check` lists them all."""


class Live(Protocol):
    """What inspecting needs of `kodkod._core.Live`."""

    def attach(
        self, tag: int, interface: str, *, netns: str | None = None, rules: RuleSet | None = None,
        facts: Sequence[FactKind] = (),
    ) -> None: ...  # fmt: skip
    def set_rules(self, tag: int, rules: RuleSet | None) -> None: ...
    def detach(self, tag: int) -> None: ...
    def drain(self, wait_s: float) -> Facts: ...
    def counters(self) -> dict[int, InterfaceCounters]: ...
    def close(self) -> None: ...


class Compile(Protocol):
    """Compiles the texts in force; `kodkod._core.RuleSet.compile`, bound to a cache folder."""

    def __call__(self, sources: Sequence[tuple[str, bytes]], classification: bytes | None) -> RuleSet: ...


@dataclass(slots=True)
class Loaded:
    """The rules in force everywhere. faults: why texts could not be read or honoured, for people."""

    base: Base | None = None
    fingerprint: str = ""
    names: tuple[str, ...] = ()
    faults: list[str] = field(default_factory=list)


class InspectionNode:
    """Owns the inspecting engine of a node."""

    def __init__(
        self, node: str, live: Live, compile_rules: Compile, data: Path, *, folders: Sequence[Path] = (),
        link: Callable[[str], int | None] = link_index,
    ) -> None:  # fmt: skip
        self.node = node
        self._live = live
        self._compile = compile_rules
        self._data = data
        self._folders = folders
        self.attachments = Attachments(link)
        self._assignment = Assignment({}, ())
        self._inspections: dict[str, Inspection] = {}
        self._alerts: dict[str, int] = {}
        self._selected_by: dict[str, list[str]] = {}
        self._first_seen: dict[tuple[str, str], str] = {}
        self._loaded = Loaded()
        self._rule_objects = RuleObjects(compile_rules)
        self._in_force: dict[int, RuleSet | None] = {}
        self._lock = threading.Lock()

    def step(
        self, inspections: Sequence[Inspection], endpoints: Sequence[Endpoint], now: datetime,
        rule_objects: Sequence[RuleObject] = (),
    ) -> None:  # fmt: skip
        """Load rules where they changed, then attach to exactly what is selected."""
        with self._lock:
            self._load()
            self._inspections = {inspection.uid: inspection for inspection in inspections}
            self._assignment = plan(inspections, endpoints)
            self._remember_selections()
            wanted = self._assignment.wanted if self._loaded.base is not None else ()
            if self._loaded.base is not None:
                self._rule_objects.take(rule_objects, self._loaded.base, wanted)
            self.attachments.reconcile(self._live, wanted, now, self._attach)
            self._swap_rules()
            self._alerts = {uid: count for uid, count in self._alerts.items() if uid in self._inspections}

    def drain(self, parties: Parties, wait_s: float) -> list[Event]:
        """Events of what has fired, waiting at most wait_s for something. Each inspection that selects gets its own."""
        alerts = self._live.drain(wait_s)["alerts"]
        if not alerts:
            return []
        events = []
        with self._lock:
            by_tag = self.attachments.by_tag
            for alert in alerts:
                endpoint = by_tag.get(alert["tag"])
                for uid in self._selected_by.get(endpoint.id, ()) if endpoint is not None else ():
                    inspection = self._inspections.get(uid)
                    if inspection is None:
                        continue  # deleted meanwhile: nobody asks for it any more
                    events.append(event_of(alert, inspection, parties, self.node))
                    self._alerts[uid] = self._alerts.get(uid, 0) + 1
        return events

    @property
    def is_ready(self) -> bool:
        """Rules are loaded. What a report then lists is attached to, or named in an error condition of it."""
        return self._loaded.base is not None

    def totals(self) -> tuple[int, dict[str, int]]:
        """Packets looked at since the start, and packets lost by reason."""
        with self._lock:
            return self.attachments.totals(self._live)

    def rules_report(self) -> RulesReport:
        if self._loaded.base is None:
            return RulesReport()
        rules = self._loaded.base.rules
        return RulesReport(
            digest=rules.digest,
            full=rules.full,
            degraded=rules.degraded,
            skipped=rules.skipped,
            sources=list(self._loaded.names),
        )

    def rule_set_reports(self) -> list[RuleSetReport]:
        """What became of each RuleSet object here."""
        with self._lock:
            return self._rule_objects.reports()

    def reports(self, now: datetime) -> list[InspectionReport]:
        """What is so for each inspection."""
        counters = self._live.counters()
        with self._lock:
            found = [self._report(inspection, counters, now) for inspection in self._inspections.values()]
            said = {(report.uid, condition.message) for report in found for condition in report.error_conditions}
            self._first_seen = {key: at for key, at in self._first_seen.items() if key in said}
            return found

    def close(self) -> None:
        self._live.close()

    def _report(self, one: Inspection, counters: dict[int, InterfaceCounters], now: datetime) -> InspectionReport:
        selected = self._assignment.selected.get(one.uid, ())
        attached = [self.attachments.attached[key] for key in selected if key in self.attachments.attached]
        tags = [entry.tag for entry in attached]
        drops: dict[str, int] = {}
        for tag in tags:
            for reason, count in counters[tag]["drops"].items() if tag in counters else ():
                drops[reason] = drops.get(reason, 0) + count
        failures = [
            f"{key.split('/')[1]}: {self.attachments.failures[key].message}"
            for key in selected
            if key in self.attachments.failures
        ]
        unread = ["rules are not loaded yet"] if self._loaded.base is None and not self._loaded.faults else []
        messages = dict.fromkeys([*([one.fault] if one.fault else []), *failures, *unread, *self._loaded.faults])
        at = rfc3339_micro(now)
        return InspectionReport(
            namespace=one.namespace,
            name=one.name,
            uid=one.uid,
            generation=one.generation,
            success=not one.fault and self._loaded.base is not None and len(attached) == len(selected),
            selected=len(selected),
            attached=len(attached),
            packets=sum(counters[tag]["packets"] for tag in tags if tag in counters),
            alerts=self._alerts.get(one.uid, 0),
            drops=drops,
            error_conditions=[
                ErrorCondition(message=message, last_updated=self._first_seen.setdefault((one.uid, message), at))
                for message in list(messages)[:ERROR_CONDITIONS_MAX]
            ],
        )

    def _remember_selections(self) -> None:
        """Who selects each endpoint; of those that left the last answer stays, up to a bound."""
        for endpoint in self._assignment.wanted:
            self._selected_by.pop(endpoint.id, None)
            self._selected_by[endpoint.id] = self._assignment.inspections_of(endpoint.id)
        while len(self._selected_by) > max(LATE_MAX, len(self._assignment.wanted)):
            self._selected_by.pop(next(iter(self._selected_by)))

    def _attach(self, tag: int, endpoint: Endpoint) -> None:
        rules = self._rule_objects.rules_for(endpoint.id)
        self._live.attach(tag, endpoint.interface, netns=endpoint.netns, rules=rules, facts=("alerts",))
        self._in_force[tag] = rules

    def _swap_rules(self) -> None:
        """Give each attached endpoint the set that it is to be judged by now; its flows keep their state."""
        attached = self.attachments.attached.values()
        self._in_force = {one.tag: self._in_force.get(one.tag) for one in attached}
        for one in attached:
            rules = self._rule_objects.rules_for(one.endpoint.id)
            if rules is not self._in_force[one.tag]:
                self._live.set_rules(one.tag, rules)
                self._in_force[one.tag] = rules

    def _load(self) -> None:
        """Compile when the texts have changed; what cannot be read leaves the set in force as it is."""
        try:
            fingerprint = rulesets.fingerprint(self._data, self._folders)
            if fingerprint == self._loaded.fingerprint and self._loaded.base is not None:
                return
            sources = rulesets.load(self._data, self._folders)
        except OSError as error:
            self._loaded.faults = [f"rules cannot be read: {error.strerror}: {error.filename}"]
            return
        rules = self._compile(sources.texts, sources.classification)
        names = tuple(name for name, _ in sources.texts)
        base = Base(sources.texts, sources.classification, rules)
        self._loaded = Loaded(base, fingerprint, names, faults_of(rules))
        telemetry.rules_loaded(rules.digest, rules.full, rules.degraded, rules.skipped)


def faults_of(rules: RuleSet) -> list[str]:
    """Broken rules by their place. A rule that asks for what is not there yet is counted, not an error of anybody."""
    broken = [receipt for receipt in rules.receipts() if receipt["status"] == "skipped" and is_broken(receipt)]
    named = [
        f"{receipt['file']}:{receipt['line']}:{reason['column']}: {reason['message']}"
        for receipt in broken[:BAD_RULES_NAMED]
        for reason in receipt["reasons"][:1]
    ]
    if len(broken) > BAD_RULES_NAMED:
        named.append(f"{len(broken) - BAD_RULES_NAMED} more rules cannot be read (kodkod rules check lists them)")
    return named


def is_broken(receipt: Receipt) -> bool:
    """Whether a rule was refused because of what its author wrote."""
    return any(reason["code"] in AUTHORS_FAULTS for reason in receipt["reasons"])
