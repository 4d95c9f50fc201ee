"""What time is it in a test? Whatever the test says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


class SimulatedClock:
    """Implements `kodkod.clock.Clock`; stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Move both times on. seconds: not negative."""
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds
