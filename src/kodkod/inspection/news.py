"""What does a user hear of an inspection? One piece of news for each change on a node, as `kubectl describe` shows it.

Started    all that is selected is inspected      Error     something keeps it from running as asked (Warning)
Stopped    a node inspects nothing of it now      NodeGone  a node left with its entry (Warning)
Recovered  the errors are over
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kodkod.store.events import News

Status = Mapping[str, Any]


def news(before: Status, after: Status) -> Iterator[News]:
    """What has changed from one status to the next."""
    old = {entry["node"]: entry for entry in before.get("nodes") or []}
    new = {entry["node"]: entry for entry in after.get("nodes") or []}
    for node, entry in new.items():
        for one in _of_node(old.get(node) or {}, entry):
            yield News(one.reason, f"{node}: {one.message}", one.type)
    for node in old.keys() - new.keys():
        yield News("NodeGone", f"{node}: its inspector is gone", "Warning")


def _of_node(before: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[News]:
    known = set(_errors(before))
    yield from (News("Error", message, "Warning") for message in _errors(entry) if message not in known)
    if known and not _errors(entry):
        yield News("Recovered", "the errors are over")
    was, now = _inspected(before), _inspected(entry)
    if now and not was:
        yield News("Started", f"inspecting with {entry.get('rules', 0)} rules")
    elif was and not now:
        yield News("Stopped", "no endpoint here is inspected any more")


def _errors(entry: Mapping[str, Any]) -> list[str]:
    return [str(condition.get("message")) for condition in entry.get("errorConditions") or []]


def _inspected(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("endpoints"))
