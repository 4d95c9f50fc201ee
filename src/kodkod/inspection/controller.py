"""How does a DeepPacketInspection get its status, and where do the pods of `tigera-dpi` come from?

Nodes' reports are folded into `status.nodes`; this is its only writer. The inspector of each node is shown as a pod of
namespace `tigera-dpi` with the state of the real process, there while any DeepPacketInspection exists.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kodkod.clock import Clock, rfc3339
from kodkod.inspection import bounds, telemetry
from kodkod.inspection.news import news
from kodkod.resources import Object, kinds
from kodkod.resources.kinds.deep_packet_inspection import ERROR_CONDITIONS_MAX
from kodkod.resources.kinds.rule_set import ERRORS_MAX
from kodkod.resources.process_pods import INSPECTOR, is_ready, pod
from kodkod.store import Resources, events, process_pods
from kodkod.store.errors import NotFound, StoreError
from kodkod.store.informer import Informer, Key, settle
from kodkod.store.presence import Presence

LOOK_S = 5.0
MESSAGE_MAX = 1024  # of a condition
NEVER = datetime.min.replace(tzinfo=UTC)


def node_entry(report: Object, one: Mapping[str, Any]) -> dict[str, Any]:
    """One element of `status.nodes`, from a node's report of one inspection."""
    status = report["status"]
    conditions = {entry["message"]: entry for entry in one.get("errorConditions") or []}
    return {
        "node": report["spec"]["node"],
        "active": {"success": bool(one.get("success")), "lastUpdated": status.get("observedAt")},
        "errorConditions": [
            {"message": entry["message"], "lastUpdated": entry["lastUpdated"]} for entry in conditions.values()
        ][:ERROR_CONDITIONS_MAX],
        "endpoints": one.get("attached", 0),
        "rules": (status.get("rules") or {}).get("full", 0) + (status.get("rules") or {}).get("degraded", 0),
        "packets": one.get("packets", 0),
        "alerts": one.get("alerts", 0),
        "dropped": sum((one.get("drops") or {}).values()),
        "observedAt": status.get("observedAt"),
    }


def fold(inspection: Object, reports: list[Object]) -> dict[str, Any]:
    """The status of an inspection: an entry a node, sorted."""
    uid = inspection["metadata"].get("uid")
    entries = [
        node_entry(report, one)
        for report in reports
        for one in (report.get("status") or {}).get("inspections") or []
        if one.get("uid") == uid
    ]
    return {"nodes": sorted(entries, key=lambda entry: str(entry["node"])), "summary": summary(entries)}


def summary(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """What `kubectl get` shows of all nodes together."""
    return {
        "active": f"{sum(entry['active']['success'] for entry in entries)}/{len(entries)}",
        "alerts": sum(entry["alerts"] for entry in entries),
        "errors": sum(len(entry["errorConditions"]) for entry in entries),
    }


def essence(status: Mapping[str, Any]) -> Any:
    """What must be written at once; counters and times alone wait for the next look."""
    return [
        (
            entry.get("node"),
            (entry.get("active") or {}).get("success"),
            [condition.get("message") for condition in entry.get("errorConditions") or []],
            entry.get("endpoints"),
            entry.get("rules"),
        )
        for entry in status.get("nodes") or []
    ]


def covers(report: Object, inspections: Iterable[Object]) -> bool:
    """Whether a report speaks of each inspection: all it selects is attached to then, or named as an error."""
    told = {one.get("uid") for one in (report.get("status") or {}).get("inspections") or []}
    return all(inspection["metadata"].get("uid") in told for inspection in inspections)


def fold_rule_set(rule_set: Object, reports: list[Object], now: datetime) -> dict[str, Any]:
    """The status of a RuleSet. Every node compiles the same text alike; endpoints are added up."""
    metadata, known = rule_set["metadata"], rule_set.get("status") or {}
    found = [
        one
        for report in sorted(reports, key=lambda report: str(report["spec"]["node"]))
        for one in (report.get("status") or {}).get("ruleSets") or []
        if (one.get("uid"), one.get("generation")) == (metadata.get("uid"), metadata.get("generation"))
    ]
    if not found:
        condition = ("Unknown", "NotObserved", "no inspector has looked at these rules yet")
        return {**known, "conditions": [_loaded(known, metadata, *condition, now)]}
    first = found[0]
    errors = list(dict.fromkeys(error for one in found for error in one.get("errors") or []))
    skipped = first.get("skipped", 0)
    if errors:
        condition = ("False", "RulesSkipped" if skipped else "NotInForce", errors[0])
    else:
        condition = ("True", "Loaded", f"{first.get('full', 0) + first.get('degraded', 0)} rules are loaded")
    return {
        **{name: first.get(name, 0) for name in ("full", "degraded", "skipped")},
        "endpoints": sum(one.get("endpoints", 0) for one in found),
        "errors": errors[:ERRORS_MAX],
        "observedGeneration": metadata.get("generation"),
        "conditions": [_loaded(known, metadata, *condition, now)],
    }


def _loaded(
    known: Mapping[str, Any], metadata: Mapping[str, Any], status: str, reason: str, message: str, now: datetime
) -> dict[str, Any]:
    """The one condition; its time is that of the last change of its status."""
    before: Mapping[str, Any] = next((one for one in known.get("conditions") or [] if one.get("type") == "Loaded"), {})
    since = before.get("lastTransitionTime") if before.get("status") == status else rfc3339(now)
    return {
        "type": "Loaded", "status": status, "reason": reason, "message": message, "lastTransitionTime": since,
        "observedGeneration": metadata.get("generation"),
    }  # fmt: skip


class Controller:
    """Runs in the server; `resources` writes with the server's own identity.

    shows_pods: whether the nodes' processes are shown as pods; in a cluster they are pods.
    """

    def __init__(self, resources: Resources, clock: Clock, *, shows_pods: bool = True) -> None:
        self._shows_pods = shows_pods
        self._resources = resources
        self._clock = clock
        self._inspections = Informer(resources, kinds.DEEP_PACKET_INSPECTION)
        self._reports = Informer(resources, kinds.NODE_REPORT)
        self._pods = Informer(resources, kinds.POD, INSPECTOR.namespace)
        self._detections = Informer(resources, kinds.INTRUSION_DETECTION)
        self._rule_sets = Informer(resources, kinds.RULE_SET)
        self._nodes = Informer(resources, kinds.NODE)
        self._presence = Presence()
        self._written: dict[Key, datetime] = {}
        self._last: dict[Key, tuple[str, dict[str, Any]]] = {}

    async def run(self) -> None:
        """Fold until cancelled."""
        informers = (
            self._inspections, self._reports, self._pods, self._detections, self._nodes, self._rule_sets,
        )  # fmt: skip
        await settle(informers, self._fold, lambda: LOOK_S)

    async def _fold(self) -> None:
        try:
            await self._fold_all()
        except StoreError as error:
            telemetry.status_not_written(str(error))

    async def _fold_all(self) -> None:
        now = self._clock.now()
        reports = [
            report
            for report in self._reports.items.values()
            if report["spec"]["role"] == "inspector" and self._presence.counts(report, self._nodes.items, now)
        ]
        for key, inspection in list(self._inspections.items.items()):
            status, known = fold(inspection, reports), inspection.get("status") or {}
            is_old = now - self._written.get(key, NEVER) >= timedelta(seconds=LOOK_S)
            if essence(status) != essence(known) or (status != known and is_old):
                await self._write(key, inspection, status, now)
        for kept in (self._written, self._last):
            for key in [key for key in kept if key not in self._inspections.items]:
                del kept[key]
        await self._fold_rule_sets(reports, now)
        if self._shows_pods:
            await self._show_pods(reports, now)
        await self._confirm(reports, now)

    async def _fold_rule_sets(self, reports: list[Object], now: datetime) -> None:
        for (_, name), rule_set in list(self._rule_sets.items.items()):
            status = fold_rule_set(rule_set, reports, now)
            if status == (rule_set.get("status") or {}):
                continue
            with contextlib.suppress(NotFound):
                await self._resources.patch(
                    kinds.RULE_SET, name, {"status": status}, subresource="status", field_manager="kodkod"
                )

    async def _write(self, key: Key, inspection: Object, status: dict[str, Any], now: datetime) -> None:
        try:
            await self._resources.patch(
                kinds.DEEP_PACKET_INSPECTION, key[1], {"status": status}, key[0], subresource="status",
                field_manager="kodkod",
            )  # fmt: skip
        except NotFound:
            return
        self._written[key] = now
        for one in news(self._before(key, inspection, status), status):
            await events.record(self._resources, inspection, one, now=now)

    def _before(self, key: Key, inspection: Object, status: dict[str, Any]) -> dict[str, Any]:
        """The status before this one: what was written last, since the watch may not have brought it back yet."""
        uid = str(inspection["metadata"].get("uid"))
        known_uid, known = self._last.get(key, ("", {}))
        self._last[key] = uid, status
        return known if known_uid == uid else inspection.get("status") or {}

    async def _show_pods(self, reports: list[Object], now: datetime) -> None:
        """Ready once it inspects what was asked when it came: whoever waits for it may send traffic at once.

        Inspections that come later change their status, not the pod's readiness.
        """
        inspections = list(self._inspections.items.values())
        wanted = {}
        for report in reports if inspections else ():
            name = INSPECTOR.pod_name(report["spec"]["node"])
            was_ready = is_ready(self._pods.items.get((INSPECTOR.namespace, name)))
            wanted[name] = pod(INSPECTOR, report, now, is_settled=was_ready or covers(report, inspections))
        await process_pods.show(self._resources, INSPECTOR, self._pods.items, wanted)

    async def _confirm(self, reports: list[Object], now: datetime) -> None:
        """IntrusionDetection is Ready once an inspector reports that it runs within bounds; which, stands beside it."""
        engines = {
            str(report["spec"]["node"]): engine
            for report in reports
            if (engine := (report.get("status") or {}).get("engine"))
        }
        wanted: dict[str, Any] = {"state": "Ready" if engines else "Progressing", "conditions": bounded(engines)}
        for (_, name), obj in list(self._detections.items.items()):
            if timeless(obj.get("status") or {}) != wanted:
                stamped = [{**one, "lastTransitionTime": rfc3339(now)} for one in wanted["conditions"]]
                await self._resources.patch(
                    kinds.INTRUSION_DETECTION, name, {"status": {**wanted, "conditions": stamped}},
                    subresource="status", field_manager="kodkod",
                )  # fmt: skip


def bounded(engines: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """The condition of an IntrusionDetection: what each node's inspector is held to, by the kernel or by itself."""
    if not engines:
        return []
    held = all(map(bounds.is_held, engines.values()))
    alike: dict[str, list[str]] = {}
    for node, engine in sorted(engines.items()):
        alike.setdefault(bounds.described(engine), []).append(node)
    said = "; ".join(f"{', '.join(nodes)}: {what}" for what, nodes in alike.items())
    reason = "ControlGroup" if held else "EngineOnly"
    return [{"type": "Bounded", "status": "True" if held else "False", "reason": reason, "message": said[:MESSAGE_MAX]}]


def timeless(status: Mapping[str, Any]) -> dict[str, Any]:
    """State and conditions without their times, as they are compared."""
    conditions = [
        {key: value for key, value in one.items() if key != "lastTransitionTime"}
        for one in status.get("conditions") or []
    ]
    return {"state": status.get("state"), "conditions": conditions}
