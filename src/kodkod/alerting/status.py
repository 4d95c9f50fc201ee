"""What does an alert's status say? (alerts-and-logs 1.7)"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kodkod.clock import rfc3339
from kodkod.resources import Object

ERRORS_MAX = 20

Status = dict[str, Any]


def of_run(old: Status, *, end_s: float | None, wrote: bool, error: tuple[str, str] | None, updated: str) -> Status:
    """After an execution. A good one clears the errors; a new one is put first, the newest 20 are kept.

    end_s: where the window ended; None for a run that failed and is to be repeated.
    """
    new = {**old, "active": True, "healthy": error is None, "lastUpdate": updated}
    new["errorConditions"] = [] if error is None else _with(old, *error)
    if end_s is not None:
        new["lastExecuted"] = rfc3339(datetime.fromtimestamp(end_s, UTC))
        new.update({"lastEvent": new["lastExecuted"]} if wrote else {})
    return new


def of_failure(old: Status, kind: str, message: str, *, updated: str) -> Status:
    """An alert that cannot run. Repeating the same error adds nothing."""
    errors = [{"type": kind, "message": message}]
    return {**old, "active": False, "healthy": False, "lastUpdate": updated, "errorConditions": errors}


def of_rest(old: Status, reason: tuple[str, str] | None, *, updated: str) -> Status:
    """An alert that does not run: paused (reason None), or of a type that we store and do not run."""
    errors = [] if reason is None else [{"type": reason[0], "message": reason[1]}]
    return {**old, "active": False, "healthy": reason is None, "lastUpdate": updated, "errorConditions": errors}


def last_end_s(obj: Object) -> float | None:
    """Where the last run's window ended, as the status remembers it."""
    moment = (obj.get("status") or {}).get("lastExecuted")
    return datetime.fromisoformat(moment).timestamp() if moment else None


def _with(old: Status, kind: str, message: str) -> list[dict[str, str]]:
    newest = {"type": kind, "message": message}
    others = [one for one in old.get("errorConditions") or () if one != newest]
    return [newest, *others][:ERRORS_MAX]
