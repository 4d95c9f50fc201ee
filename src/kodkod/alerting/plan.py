"""Which alert is due, and which records does it judge? Pure: the controller keeps the notes and performs the list.

A run judges the records that arrived in [start, end). Runs meet without gap or overlap: the next begins where the last
ended, so with lookback = period every record is judged exactly once, whatever the flush interval (alerts-and-logs 8.1).
A longer lookback reaches back further by the difference, so the same records count again, as their author asked.
Ends are whole seconds: `status.lastExecuted` then holds them exactly, and a restart goes on where the last run ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from kodkod.alerting.rule import Rule
from kodkod.logs.store import Axis, Window


@dataclass(frozen=True, slots=True)
class Note:
    """What is remembered of an alert.

    last_end_s:   where its last good window ended; None before the first one.
    not_before_s: after a run that failed, when to try again; the window then still begins at last_end_s.
    """

    last_end_s: float | None = None
    not_before_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """One execution to perform. window: by arrival."""

    rule: Rule
    window: Window
    end_s: float


def due_s(rule: Rule, note: Note, now_s: float) -> float:
    """When the alert runs next: at once the first time, then every period."""
    next_s = now_s if note.last_end_s is None else note.last_end_s + rule.period_s
    return max(next_s, note.not_before_s)


def plan(alerts: Iterable[tuple[Rule, Note]], now_s: float) -> list[Run]:
    """The runs that are due, the longest overdue first."""
    due = [(due_s(rule, note, now_s), rule, note) for rule, note in alerts]
    ready = [one for one in due if one[0] <= now_s]
    ready.sort(key=lambda one: (one[0], one[1].name))
    end_s = float(math.floor(now_s))
    return [Run(rule, window_of(rule, note, end_s), end_s) for _, rule, note in ready]


def window_of(rule: Rule, note: Note, end_s: float) -> Window:
    """What a run that ends now has to read."""
    start_s = end_s - rule.lookback_s
    if note.last_end_s is not None and rule.lookback_s >= rule.period_s:
        start_s = note.last_end_s - (rule.lookback_s - rule.period_s)
    return Window(start_s, end_s, Axis.ARRIVAL)


def next_wake_s(alerts: Iterable[tuple[Rule, Note]], now_s: float, idle_s: float) -> float:
    """Seconds until something is due, at most `idle_s`."""
    waits = (due_s(rule, note, now_s) - now_s for rule, note in alerts)
    return max(0.0, min([*waits, idle_s]))
