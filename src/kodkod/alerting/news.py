"""What does a user hear of an alert? One piece of news for each change, as `kubectl describe` shows them.

Started    it runs from now on          Fired      a run has written security events
Updated    its new spec is in force     Error      it cannot run, or a run failed (Warning)
Paused     it rests, as asked           Recovered  it runs without errors again
Resumed    it runs again
"""

from __future__ import annotations

from collections.abc import Iterator

from kodkod.alerting.rule import Rule
from kodkod.alerting.status import Status
from kodkod.store.events import News


def of_run(rule: Rule, change: str, before: Status, after: Status, *, wrote: bool) -> Iterator[News]:
    """After an execution. change: `Started`, `Updated` or `Resumed` for the first one since then, else empty."""
    if change:
        yield News(change, f"asks {rule.dataset.name} every {_shown(rule.period_s)}")
    yield from of_errors(before, after)
    if before.get("healthy") is False and after.get("healthy"):
        yield News("Recovered", "runs again without errors")
    if wrote:
        yield News("Fired", "its condition held; security events were written")


def of_rest(before: Status, after: Status) -> Iterator[News]:
    """Of an alert that does not run."""
    if after.get("healthy"):
        yield News("Paused", "does not run while it is paused")
    yield from of_errors(before, after)


def of_errors(before: Status, after: Status) -> Iterator[News]:
    """Each error that was not there before."""
    known = before.get("errorConditions") or []
    for one in after.get("errorConditions") or []:
        if one not in known:
            yield News("Error", one["message"], "Warning")


def _shown(seconds: float) -> str:
    """60 as `1m`, 90 as `90s`, 7200 as `2h`."""
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
