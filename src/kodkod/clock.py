"""What time is it? The only module below the doors that may ask the machine.

Time is an argument everywhere else: a plan, a query or a test gets `now` from its caller.
A door makes one `SystemClock` and hands it down; tests hand down a simulated one (`kodkod.testing`).
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for facts, monotonic time for waiting."""

    def now(self) -> datetime:
        """Aware UTC wall time, microsecond resolution."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back; meaningful only as a difference."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """Kubernetes' spelling of a time: UTC, whole seconds, `Z` (`metav1.Time`)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(moment: datetime) -> str:
    """The same with microseconds (`metav1.MicroTime`, log records)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
