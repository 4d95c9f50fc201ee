"""How does a PacketCapture get its status? By folding what the nodes report; this is its only writer.

Looks at reports and captures whenever one changes, and now and then by itself, since silence changes nothing: the
entries of a node that is gone leave after a minute (`store.presence`), and the reports of one that was removed with
them, so that nobody goes on asking it for files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kodkod.capture import plan as plans
from kodkod.capture import telemetry
from kodkod.capture.news import news
from kodkod.clock import Clock
from kodkod.resources import Object, kinds
from kodkod.resources.process_pods import AGENT, pod
from kodkod.store import Resources, events, process_pods
from kodkod.store.errors import NotFound, StoreError
from kodkod.store.informer import Informer, Key, settle
from kodkod.store.presence import Presence

LOOK_S = 5.0
NEVER = datetime.min.replace(tzinfo=UTC)


def entry_of(node: str, capture: Mapping[str, Any], observed_at: str | None) -> dict[str, Any]:
    """One element of `status.files`, from a node's report of one capture."""
    files = capture.get("files") or []
    entry = {
        "node": node,
        "directory": capture.get("directory", ""),
        "fileNames": sorted(file["name"] for file in files),
        "state": capture["state"],
        "reason": capture.get("reason", ""),
        "message": capture.get("message", ""),
        "bytes": sum(int(file.get("bytes", 0)) for file in files),
        "packets": capture.get("packets", 0),
        "dropped": sum((capture.get("drops") or {}).values()),
        "interfaces": [one["interface"] for one in capture.get("endpoints") or []],
        "oldestPacketTime": capture.get("oldestPacket"),
        "observedAt": observed_at,
    }
    return {key: value for key, value in entry.items() if value not in ("", None)}


def fold(capture: Object, reports: list[Object]) -> dict[str, Any]:
    """The status of a capture: an entry a node, sorted, and one state for all; no state while no node reports."""
    uid = capture["metadata"].get("uid")
    entries = [
        entry_of(report["spec"]["node"], one, report["status"].get("observedAt"))
        for report in reports
        for one in (report.get("status") or {}).get("captures") or []
        if one.get("uid") == uid
    ]
    entries.sort(key=lambda entry: str(entry["node"]))
    status: dict[str, Any] = {"files": entries, "summary": summary(entries)}
    if entries:
        status["state"] = plans.fold(entry["state"] for entry in entries)
    return status


def summary(entries: list[dict[str, Any]]) -> dict[str, int]:
    """What `kubectl get` shows of all nodes together."""
    return {
        "nodes": len(entries),
        "files": sum(len(entry["fileNames"]) for entry in entries),
        "bytes": sum(entry["bytes"] for entry in entries),
    }


def essence(status: Mapping[str, Any]) -> Any:
    """What must be written at once; counters and times alone wait for the next look."""
    moving = ("bytes", "packets", "observedAt", "oldestPacketTime", "dropped")
    files = [{key: value for key, value in entry.items() if key not in moving} for entry in status.get("files") or []]
    return {**{key: value for key, value in status.items() if key != "summary"}, "files": files}


class Controller:
    """Runs in the server; `resources` writes with the server's own identity.

    shows_pods: whether the nodes' processes are shown as pods; in a cluster they are pods.
    """

    def __init__(self, resources: Resources, clock: Clock, *, shows_pods: bool = True) -> None:
        self._shows_pods = shows_pods
        self._resources = resources
        self._clock = clock
        self._captures = Informer(resources, kinds.PACKET_CAPTURE)
        self._reports = Informer(resources, kinds.NODE_REPORT)
        self._nodes = Informer(resources, kinds.NODE)
        self._pods = Informer(resources, kinds.POD, AGENT.namespace)
        self._presence = Presence()
        self._written: dict[Key, datetime] = {}
        self._last: dict[Key, tuple[str, dict[str, Any]]] = {}

    async def run(self) -> None:
        """Fold until cancelled."""
        informers = (self._captures, self._reports, self._nodes, self._pods)
        await settle(informers, self._fold_all, lambda: LOOK_S)

    async def _fold_all(self) -> None:
        now = self._clock.now()
        reports = [
            report for report in self._reports.items.values() if self._presence.counts(report, self._nodes.items, now)
        ]
        for key, capture in list(self._captures.items.items()):
            status = fold(capture, reports)
            known = capture.get("status") or {}
            is_old = now - self._written.get(key, NEVER) >= timedelta(seconds=LOOK_S)
            if essence(status) != essence({"files": [], **known}) or (status != known and is_old):
                await self._write(key, capture, status, now)
        for kept in (self._written, self._last):
            for key in [key for key in kept if key not in self._captures.items]:
                del kept[key]
        if self._shows_pods:
            await self._show_agents(reports, now)
        await self._forget_removed(now)

    async def _show_agents(self, reports: list[Object], now: datetime) -> None:
        """Agents as pods of kodkod-system, with the state of the real processes."""
        agents = [report for report in reports if report["spec"]["role"] == "agent"]
        wanted = {AGENT.pod_name(report["spec"]["node"]): pod(AGENT, report, now) for report in agents}
        try:
            await process_pods.show(self._resources, AGENT, self._pods.items, wanted)
        except StoreError as error:
            telemetry.status_not_written(AGENT.name, str(error))

    async def _forget_removed(self, now: datetime) -> None:
        for (_, name), report in list(self._reports.items.items()):
            if self._presence.is_removed(report["spec"]["node"], self._nodes.items, now):
                with contextlib.suppress(StoreError):  # the next look tries again
                    await self._resources.delete(kinds.NODE_REPORT, name)

    async def _write(self, key: Key, capture: Object, status: dict[str, Any], now: datetime) -> None:
        try:
            await self._resources.patch(
                kinds.PACKET_CAPTURE, key[1], {"status": status}, key[0], subresource="status", field_manager="kodkod"
            )
        except NotFound:
            return
        except StoreError as error:
            telemetry.status_not_written("/".join(key), str(error))
            return
        self._written[key] = now
        for one in news(capture.get("spec") or {}, self._before(key, capture, status), status, now):
            await events.record(self._resources, capture, one, now=now)

    def _before(self, key: Key, capture: Object, status: dict[str, Any]) -> dict[str, Any]:
        """The status before this one: what was written last, since the watch may not have brought it back yet."""
        uid = str(capture["metadata"].get("uid"))
        known_uid, known = self._last.get(key, ("", {}))
        self._last[key] = uid, status
        return known if known_uid == uid else capture.get("status") or {}
