"""Events of objects do not fill the store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kodkod.resources.kinds import EVENT, NAMESPACE
from kodkod.store import events
from kodkod.store.embedded import MEMORY, EmbeddedResources, expiry
from kodkod.store.embedded.expiry import EventExpiry
from kodkod.testing.clock import SimulatedClock

OBJECT = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x", "namespace": "dev", "uid": "u"}}


async def test_events_go_after_a_day_and_those_that_happen_again_stay() -> None:
    clock = SimulatedClock()
    resources = EmbeddedResources(MEMORY, clock)
    await resources.open()
    await resources.create(NAMESPACE, {"metadata": {"name": "dev"}})
    aging = EventExpiry(resources, clock)

    async def tell(reason: str) -> None:
        await events.record(resources, OBJECT, events.News(reason, "m"), now=clock.now())

    await tell("Once")
    await tell("Again")
    clock.advance(timedelta(hours=23).total_seconds())
    await tell("Again")
    assert await aging.look() == 0
    clock.advance(timedelta(hours=2).total_seconds())
    assert await aging.look() == 1
    (left,) = (await resources.list(EVENT, "dev")).items
    assert (left["reason"], left["count"]) == ("Again", 2)
    await resources.close()


async def test_of_too_many_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "EVENTS_MAX", 3)
    clock = SimulatedClock()
    resources = EmbeddedResources(MEMORY, clock)
    await resources.open()
    await resources.create(NAMESPACE, {"metadata": {"name": "dev"}})
    for number in range(5):
        await events.record(resources, OBJECT, events.News(f"R{number}", "m"), now=clock.now())
        clock.advance(1)
    assert await EventExpiry(resources, clock).look() == 2
    listed = (await resources.list(EVENT, "dev")).items
    assert sorted(one["reason"] for one in listed) == ["R2", "R3", "R4"]
    await resources.close()


async def test_an_event_with_no_time_or_a_bad_one_counts_from_its_making() -> None:
    made = {"metadata": {"creationTimestamp": "2026-11-25T00:00:00Z"}, "lastTimestamp": "soon"}
    assert expiry.last_seen(made) == expiry.last_seen({"metadata": made["metadata"]})
