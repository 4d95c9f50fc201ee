"""What was answered a moment ago? Answers of the cluster, kept for seconds, so that a burst of requests asks once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from kodkod.clock import Clock

ENTRIES_MAX = 4096

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, each for its own time. Bounded: the oldest goes first."""

    def __init__(self, clock: Clock, entries_max: int = ENTRIES_MAX) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        found = self._entries.get(key)
        if found is None:
            return None
        until_s, value = found
        if self._clock.monotonic_s() >= until_s:
            del self._entries[key]
            return None
        return value

    def put(self, key: K, value: V, for_s: float) -> None:
        self._entries[key] = (self._clock.monotonic_s() + for_s, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._entries_max:
            self._entries.popitem(last=False)
