"""What is observed on this host right now? Asked of the API as the administrator; judged here, not printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kodkod.cli.supervisor import holder
from kodkod.resources import Object, kinds
from kodkod.store.errors import StoreError
from kodkod.store.kubeconfig import KubeconfigError
from kodkod.store.remote import RemoteResources

STALE = timedelta(seconds=60)  # a live process writes its report at least every ten seconds
ROLES = ("agent", "inspector")


@dataclass(frozen=True, slots=True)
class Observed:
    """reasons: what is wrong, a line each; empty means healthy. running: whether a server answers at all."""

    running: bool
    listen: str = ""
    reports: list[Object] = field(default_factory=list)
    captures: list[Object] = field(default_factory=list)
    inspections: list[Object] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """One JSON document: processes, captures, inspections, drops, disk, and the reasons."""
        return {
            "running": self.running,
            "healthy": self.running and not self.reasons,
            "reasons": self.reasons,
            "server": {"listen": self.listen},
            "processes": [
                {
                    "name": name_of(report),
                    "node": report["spec"]["node"],
                    "role": report["spec"]["role"],
                    **facts(report),
                }
                for report in self.reports
            ],
            "captures": [summary(obj) for obj in self.captures],
            "inspections": [summary(obj) for obj in self.inspections],
        }


def facts(report: Object) -> dict[str, Any]:
    status = report.get("status") or {}
    wanted = (
        "ready",
        "observedAt",
        "pid",
        "endpoints",
        "interfaces",
        "packets",
        "drops",
        "disk",
        "rules",
        "engine",
        "spool",
    )
    return {name: status[name] for name in wanted if name in status}


def summary(obj: Object) -> dict[str, Any]:
    metadata = obj["metadata"]
    return {"namespace": metadata.get("namespace", ""), "name": metadata["name"], "status": obj.get("status") or {}}


def name_of(obj: Object) -> str:
    name: str = obj["metadata"]["name"]
    return name


async def observe(data: Path, now: datetime) -> Observed:
    """Ask the server of this data folder. Never raises for a server that is down or refuses: that is an observation."""
    running = holder(data)
    listen = running.listen if running else ""
    try:
        async with RemoteResources.from_kubeconfig(data / "kubeconfig") as resources:
            reports = (await resources.list(kinds.NODE_REPORT)).items
            captures = (await resources.list(kinds.PACKET_CAPTURE)).items
            inspections = (await resources.list(kinds.DEEP_PACKET_INSPECTION)).items
    except (StoreError, KubeconfigError, PermissionError) as error:
        return Observed(running=False, listen=listen, reasons=[str(error)])
    reasons = [*missing_roles(reports), *report_reasons(reports, now), *object_reasons(captures, inspections)]
    return Observed(True, listen, reports, captures, inspections, reasons)


def missing_roles(reports: list[Object]) -> list[str]:
    roles = {report["spec"]["role"] for report in reports}
    return [f"no {role} has reported yet" for role in ROLES if role not in roles]


def report_reasons(reports: list[Object], now: datetime) -> list[str]:
    reasons = []
    for report in reports:
        status = report.get("status") or {}
        seen = parsed(status.get("observedAt"))
        if seen is None or now - seen > STALE:
            reasons.append(f"{name_of(report)} is silent since {status.get('observedAt', 'its start')}")
            continue
        if not status.get("ready"):
            reasons.append(f"{name_of(report)} is not ready")
        reasons += [f"{name_of(report)}: {warning}" for warning in status.get("warnings") or []]
        if (status.get("disk") or {}).get("pressure"):
            reasons.append(f"{name_of(report)}: no room for captures")
    return reasons


def object_reasons(captures: list[Object], inspections: list[Object]) -> list[str]:
    reasons = []
    for capture in captures:
        for entry in (capture.get("status") or {}).get("files") or []:
            if entry.get("state") == "Error":
                reasons.append(f"capture {path_of(capture)} on {entry['node']}: {entry.get('message') or 'Error'}")
    for inspection in inspections:
        for entry in (inspection.get("status") or {}).get("nodes") or []:
            reasons += [
                f"inspection {path_of(inspection)} on {entry['node']}: {condition['message']}"
                for condition in entry.get("errorConditions") or []
            ]
    return reasons


def path_of(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def parsed(moment: str | None) -> datetime | None:
    return None if not moment else datetime.fromisoformat(moment).astimezone(UTC)
