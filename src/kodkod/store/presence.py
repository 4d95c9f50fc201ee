"""Is a node still there, so that what it reported still stands? Asked by everybody who folds reports.

A minute's grace after its Node object went or ceased to be Ready, three minutes after its report was last seen to move:
agents write at least one a minute. Silence is measured by our own clock, for the node's may be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from kodkod.resources import Object
from kodkod.store.informer import Key

GONE_AFTER = timedelta(seconds=60)
SILENT_AFTER = timedelta(seconds=180)


class Presence:
    """Remembers since when. Ask it again and again; nothing is known before the first time."""

    def __init__(self) -> None:
        self._missing: dict[str, datetime] = {}
        self._heard: dict[str, tuple[str, datetime]] = {}

    def counts(self, report: Object, nodes: Mapping[Key, Object], now: datetime) -> bool:
        """Whether a report stands. nodes: all Node objects."""
        node = report["spec"]["node"]
        if self.is_removed(node, nodes, now):
            return False
        lost = lost_since(nodes.get(("", node)))
        if lost is not None and now - lost >= GONE_AFTER:
            return False
        name, said = report["metadata"]["name"], str((report.get("status") or {}).get("observedAt"))
        if name not in self._heard or self._heard[name][0] != said:
            self._heard[name] = (said, now)
        return now - self._heard[name][1] < SILENT_AFTER

    def is_removed(self, node: str, nodes: Mapping[Key, Object], now: datetime) -> bool:
        """Whether there is no Node object of this name, for a minute or more."""
        if ("", node) in nodes:
            self._missing.pop(node, None)
            return False
        return now - self._missing.setdefault(node, now) >= GONE_AFTER


def lost_since(node: Object | None) -> datetime | None:
    """Since when a Node is not Ready; None where it is, or does not say."""
    for condition in ((node or {}).get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            try:
                return datetime.fromisoformat(condition["lastTransitionTime"])
            except (KeyError, ValueError, TypeError):
                return None
    return None
