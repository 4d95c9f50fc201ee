"""Does the controller run alerts, once per cause, and say in their status what happened?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from kodkod.alerting.controller import Controller
from kodkod.events import ALL_EVENTS, Events, Triage
from kodkod.logs.query import EVERYTHING
from kodkod.logs.stores.memory import MemoryLogStore
from kodkod.resources.kinds import EVENT, GLOBAL_ALERT, NAMESPACE
from kodkod.store.embedded import EmbeddedResources
from kodkod.testing.clock import SimulatedClock

from .alerts import ANOMALY, PROCESS_SET, UNSANCTIONED_DNS, alert, spec


class World:
    """A control plane on a simulated clock; the controller's informer runs, its steps are taken by the test."""

    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.resources = EmbeddedResources(":memory:", self.clock)
        self.logs = MemoryLogStore()
        self.events: Events
        self.controller: Controller

    async def start(self, events_per_run: int = 5_000) -> None:
        self.events = Events(self.logs, await Triage.open(None), list)
        self.controller = Controller(self.resources, self.logs, self.events, self.clock, events_per_run=events_per_run)

    async def apply(self, name: str, made: dict[str, Any]) -> None:
        obj = alert(name, made)
        del obj["metadata"]["uid"]
        await self.resources.create(GLOBAL_ALERT, obj)

    async def step(self) -> None:
        """As after the informer has caught up."""
        await until(lambda: _is_current(self))
        await self.controller.step()
        await until(lambda: _is_current(self))

    async def lookup(self, qname: str = "google.com") -> None:
        record = {"client_namespace": "dev", "client_name_aggr": "centos", "qname": qname}
        await self.logs.append("dns", [record], arrival=self.clock.now())

    async def found(self) -> list[dict[str, Any]]:
        return list((await self.events.search(EVERYTHING, ALL_EVENTS)).items)

    async def told(self) -> dict[str, int]:
        """Core events, as `kubectl describe` counts them."""
        listed = await self.resources.list(EVENT, "default")
        return {event["reason"]: event["count"] for event in listed.items}

    async def status(self, name: str) -> dict[str, Any]:
        return (await self.resources.get(GLOBAL_ALERT, name)).get("status") or {}


async def _is_current(world: World) -> bool:
    listed = await world.resources.list(GLOBAL_ALERT)
    known = {obj["metadata"]["resourceVersion"] for obj in world.controller._informer.items.values()}
    return known == {obj["metadata"]["resourceVersion"] for obj in listed.items}


async def until(fact: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await fact():  # noqa: ASYNC110 (a store is asked, nobody tells us)
            await asyncio.sleep(0.005)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.resources.open()
    await made.resources.create(NAMESPACE, {"metadata": {"name": "default"}})
    await made.start()
    following = asyncio.create_task(made.controller._informer.run())
    yield made
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following
    await made.events.close()
    await made.resources.close()


async def test_a_cause_fires_once_however_often_the_alert_runs(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    await world.lookup()
    for _ in range(5):
        world.clock.advance(61)
        await world.step()
    events = await world.found()
    assert [event["description"] for event in events] == ["[dns] pod dev/centos attempted to access 'google.com'"]


async def test_the_first_run_comes_at_once_and_the_status_says_so(world: World) -> None:
    await world.lookup()
    world.clock.advance(5)
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    status = await world.status("dns")
    now = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (status["active"], status["healthy"], status["lastExecuted"], status["lastEvent"]) == (True, True, now, now)
    assert status["lastUpdate"] == now
    assert len(await world.found()) == 1


async def test_nothing_is_written_between_runs(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    version = (await world.resources.get(GLOBAL_ALERT, "dns"))["metadata"]["resourceVersion"]
    world.clock.advance(30)
    await world.step()
    assert (await world.resources.get(GLOBAL_ALERT, "dns"))["metadata"]["resourceVersion"] == version


async def test_a_restart_goes_on_where_the_last_run_ended(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    world.clock.advance(0.7)
    await world.step()
    await world.lookup()
    world.clock.advance(300)
    following = asyncio.create_task(_restarted(world))
    await following
    world.clock.advance(61)
    await world.step()
    assert len(await world.found()) == 1


async def _restarted(world: World) -> None:
    """A second controller over the same stores, as after a crash: it takes one step."""
    other = World()
    other.__dict__.update(world.__dict__)
    other.controller = Controller(world.resources, world.logs, world.events, world.clock)
    informing = asyncio.create_task(other.controller._informer.run())
    await other.controller._informer.synced()
    await other.step()
    informing.cancel()


async def test_a_run_repeated_after_a_crash_writes_its_events_once(world: World) -> None:
    await world.lookup()
    world.clock.advance(5)
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    before = await world.found()
    status = await world.status("dns")
    await world.resources.patch(GLOBAL_ALERT, "dns", {"status": {**status, "lastExecuted": None}}, subresource="status")
    await _restarted(world)
    assert await world.found() == before


async def test_a_deleted_alert_is_silent(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    await world.resources.delete(GLOBAL_ALERT, "dns")
    await world.lookup()
    world.clock.advance(61)
    await world.step()
    assert await world.found() == []


async def test_a_changed_spec_takes_effect(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    await world.resources.patch(GLOBAL_ALERT, "dns", {"spec": {"query": 'qname = "example.com"'}})
    await world.lookup("google.com")
    await world.lookup("example.com")
    world.clock.advance(61)
    await world.step()
    assert [event["record"]["qname"] for event in await world.found()] == ["example.com"]


async def test_a_paused_alert_rests_and_does_not_judge_the_pause_afterwards(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    pause = {"metadata": {"annotations": {"kodkod.dev/paused": "true"}}}
    await world.resources.patch(GLOBAL_ALERT, "dns", pause)
    await world.lookup()
    await world.step()
    assert (await world.status("dns"))["active"] is False
    world.clock.advance(600)
    await world.resources.patch(GLOBAL_ALERT, "dns", {"metadata": {"annotations": {"kodkod.dev/paused": None}}})
    await world.step()
    assert (await world.status("dns"))["active"] is True
    assert await world.found() == []


async def test_anomaly_detection_is_stored_and_says_that_it_does_not_run(world: World) -> None:
    await world.apply("tigera.io.detector.port-scan", ANOMALY)
    await world.step()
    status = await world.status("tigera.io.detector.port-scan")
    assert (status["active"], status["healthy"]) == (False, False)
    assert "not supported" in status["errorConditions"][0]["message"]


async def test_an_alert_that_cannot_run_says_why_and_the_others_go_on(world: World) -> None:
    await world.apply("broken", spec(dataSet="flows", query="action=="))
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.lookup()
    world.clock.advance(1)
    await world.step()
    broken = await world.status("broken")
    assert (broken["healthy"], broken["errorConditions"][0]["type"]) == (False, "QueryParse")
    assert len(await world.found()) == 1


async def test_too_many_results_end_in_one_event_that_says_so(world: World) -> None:
    world.controller._events_per_run = 3
    await world.logs.append("flows", [{"process_name": "python3"}] * 10, arrival=world.clock.now())
    world.clock.advance(1)
    await world.apply("many", PROCESS_SET)
    await world.step()
    events = await world.found()
    assert len(events) == 4
    assert any("more than 3 results" in event["description"] for event in events)
    status = await world.status("many")
    assert (status["healthy"], status["errorConditions"][0]["type"]) == (False, "Execution")


async def repeated(world: World, dedup: str) -> None:
    """An alert whose cause goes on, looked at each minute over ten minutes."""
    obj = alert("dns", {**UNSANCTIONED_DNS, "lookback": "10m"})
    del obj["metadata"]["uid"]
    obj["metadata"]["annotations"] = {"kodkod.dev/dedup": dedup}
    await world.resources.create(GLOBAL_ALERT, obj)
    for _ in range(15):
        await world.lookup()
        world.clock.advance(61)
        await world.step()


async def test_without_a_wish_every_run_tells_what_it_finds(world: World) -> None:
    await repeated(world, "none")
    assert len(await world.found()) == 15


async def test_within_the_window_the_like_is_told_once(world: World) -> None:
    await repeated(world, "window")
    times = sorted(event["time"] for event in await world.found())
    assert len(times) == 2
    assert times[1] - times[0] > 600


async def test_what_is_open_is_not_told_again_until_it_is_dismissed(world: World) -> None:
    await repeated(world, "open")
    (event,) = await world.found()
    await world.lookup("www.google.com")
    world.clock.advance(61)
    await world.step()
    assert len(await world.found()) == 2  # another name is another thing
    await world.events.dismiss([event["id"]], by="somebody", at=world.clock.now())
    await world.lookup()
    world.clock.advance(61)
    await world.step()
    assert len(await world.found()) == 3


async def test_what_happens_is_told_and_counted(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    for _ in range(2):
        await world.step()
        await world.lookup()
        world.clock.advance(61)
    await world.step()
    assert await world.told() == {"Started": 1, "Fired": 2}
    await world.resources.patch(GLOBAL_ALERT, "dns", {"spec": {"query": "qname=="}})
    await world.step()
    await world.resources.patch(GLOBAL_ALERT, "dns", {"spec": {"query": "qname=a"}})
    world.clock.advance(61)
    await world.step()
    assert await world.told() == {"Started": 1, "Fired": 2, "Error": 1, "Resumed": 1, "Recovered": 1}


async def test_a_restart_is_no_news(world: World) -> None:
    await world.apply("dns", UNSANCTIONED_DNS)
    await world.step()
    world.clock.advance(61)
    await _restarted(world)
    assert await world.told() == {"Started": 1}
