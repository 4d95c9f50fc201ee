"""What does a user hear of a capture? One piece of news for each change on a node, as `kubectl describe` shows them.

Scheduled   its window is ahead           Capturing   the first packets are in the file
Started     interfaces are listened to    Finished    its window is over
Stopped     nothing is left to record     Error       it cannot record (Warning)
Recovered   it records again              NodeGone    a node left with its entry (Warning)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kodkod.store.events import News

Status = Mapping[str, Any]


def news(spec: Mapping[str, Any], before: Status, after: Status, now: datetime) -> Iterator[News]:
    """What has changed from one status to the next."""
    old = {entry["node"]: entry for entry in before.get("files") or []}
    new = {entry["node"]: entry for entry in after.get("files") or []}
    for node, entry in new.items():
        state = (old.get(node) or {}).get("state")
        for one in _of_node(spec, state, entry, now):
            yield News(one.reason, f"{node}: {one.message}", one.type)
    for node in old.keys() - new.keys():
        yield News("NodeGone", f"{node}: the node is gone, and its files with it", "Warning")


def _of_node(spec: Mapping[str, Any], before: str | None, entry: Mapping[str, Any], now: datetime) -> Iterator[News]:
    state = entry["state"]
    where = ", ".join(entry.get("interfaces") or []) or "no interface"
    runs = ("WaitingForTraffic", "Capturing")
    if state == before:
        return
    if state == "Error":
        why = ": ".join(part for part in (entry.get("reason"), entry.get("message")) if part)
        yield News("Error", why or "recording failed", "Warning")
    elif state == "Scheduled":
        yield News("Scheduled", f"recording begins at {spec.get('startTime')}")
    elif state == "Finished":
        yield _end(spec, before, now)
    elif before == "Error":
        yield News("Recovered", f"recording {where} again")
    else:
        if before not in runs or state == "WaitingForTraffic":
            yield News("Started", f"recording {where}")
        if state == "Capturing":
            yield News("Capturing", "packets are being written")


def _end(spec: Mapping[str, Any], before: str | None, now: datetime) -> News:
    end = spec.get("endTime")
    if end and datetime.fromisoformat(end) <= now:
        return News("Finished", f"the window ended at {end}; the files are kept")
    if before is None:
        return News("Finished", "no endpoint here matches the selector")
    return News("Stopped", "no endpoint here matches the selector any more; the files are kept")
