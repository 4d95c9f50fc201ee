"""Nodes' reports become the status of a PacketCapture, written by one controller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kodkod.capture.controller import Controller, fold
from kodkod.resources import Object, kinds
from kodkod.resources.process_pods import AGENT
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.clock import SimulatedClock
from kodkod.testing.waiting import until


def report(node: str, uid: str, state: str = "Capturing", **fields: Any) -> Object:
    capture = {
        "namespace": "dev",
        "name": "c",
        "uid": uid,
        "state": state,
        "directory": "/pcap",
        "files": [{"name": "b_cali1.pcap", "bytes": 20}, {"name": "a_cali2.pcap", "bytes": 10}],
        "endpoints": [{"workload": "b", "interface": "cali1", "state": state}],
        "packets": 3,
        "drops": {"kernel": 2},
        **fields,
    }
    return {
        "metadata": {"name": f"{node}-agent"},
        "spec": {"node": node, "role": "agent"},
        "status": {"observedAt": "2026-11-25T12:00:00.000000Z", "captures": [capture]},
    }


def test_each_node_has_an_entry_and_all_have_one_state() -> None:
    capture = {"metadata": {"name": "c", "namespace": "dev", "uid": "u"}}
    status = fold(capture, [report("node02", "u", "Finished"), report("node01", "u"), report("node03", "other")])
    assert status["state"] == "Capturing"
    assert [entry["node"] for entry in status["files"]] == ["node01", "node02"]
    assert status["files"][0] == {
        "node": "node01",
        "directory": "/pcap",
        "fileNames": ["a_cali2.pcap", "b_cali1.pcap"],
        "state": "Capturing",
        "bytes": 30,
        "packets": 3,
        "dropped": 2,
        "interfaces": ["cali1"],
        "observedAt": "2026-11-25T12:00:00.000000Z",
    }


def test_without_any_report_there_is_no_state() -> None:
    assert fold({"metadata": {"uid": "u"}}, []) == {"files": [], "summary": {"nodes": 0, "files": 0, "bytes": 0}}


class Stage:
    def __init__(self, resources: EmbeddedResources, clock: SimulatedClock) -> None:
        self.resources, self.clock = resources, clock

    async def say(self, node: str, state: str, **fields: Any) -> None:
        """A node reports."""
        uid = (await self.capture())["metadata"]["uid"]
        obj = report(node, uid, state, **fields)
        with contextlib.suppress(Exception):
            await self.resources.create(kinds.NODE, {"metadata": {"name": node}})
            await self.resources.create(kinds.NODE_REPORT, {"metadata": obj["metadata"], "spec": obj["spec"]})
        await self.resources.patch(
            kinds.NODE_REPORT, obj["metadata"]["name"], {"status": obj["status"]}, subresource="status"
        )

    async def capture(self) -> Object:
        return await self.resources.get(kinds.PACKET_CAPTURE, "c", "dev")

    async def until(self, fact: Callable[[Object], bool]) -> Object:
        return await until(self.capture, fact)

    async def reasons(self) -> list[str]:
        listed = await self.resources.list(kinds.EVENT, "dev")
        return sorted(f"{event['type']} {event['reason']}" for event in listed.items)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    clock = SimulatedClock()
    resources = EmbeddedResources(MEMORY, clock)
    await resources.open()
    for namespace in ("dev", AGENT.namespace):
        await resources.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    await resources.create(kinds.PACKET_CAPTURE, {"metadata": {"name": "c"}, "spec": {}}, "dev")
    running = asyncio.ensure_future(Controller(resources, clock).run())
    yield Stage(resources, clock)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await resources.close()


def state_is(state: str) -> Callable[[Object], bool]:
    return lambda obj: (obj.get("status") or {}).get("state") == state


async def test_a_change_of_state_is_written_and_told(stage: Stage) -> None:
    await stage.say("node01", "WaitingForTraffic")
    await stage.until(state_is("WaitingForTraffic"))
    await stage.say("node01", "Error", message="cali1: No such device", reason="CannotOpen")
    found = await stage.until(state_is("Error"))
    assert found["status"]["files"][0]["reason"] == "CannotOpen"
    told = await until(stage.reasons, lambda reasons: len(reasons) >= 2)
    assert told == ["Normal Started", "Warning Error"]


async def test_the_same_news_again_is_counted(stage: Stage) -> None:
    async def counts() -> dict[str, int]:
        listed = await stage.resources.list(kinds.EVENT, "dev")
        return {event["reason"]: event["count"] for event in listed.items}

    for number in (1, 2):
        await stage.say("node01", "Error", message="cali1: No such device", reason="CannotOpen")
        await until(counts, lambda found, number=number: found.get("Error") == number)  # type: ignore[misc]
        await stage.say("node01", "WaitingForTraffic")
        await until(counts, lambda found, number=number: found.get("Recovered") == number)  # type: ignore[misc]
    assert await counts() == {"Error": 2, "Recovered": 2}


async def test_nothing_is_written_when_nothing_has_changed(stage: Stage) -> None:
    await stage.say("node01", "Capturing")
    version = (await stage.until(state_is("Capturing")))["metadata"]["resourceVersion"]
    await stage.say("node01", "Capturing")
    await stage.resources.create(kinds.NODE, {"metadata": {"name": "node09"}})
    await asyncio.sleep(0.2)
    assert (await stage.capture())["metadata"]["resourceVersion"] == version


async def test_the_entries_of_a_node_leave_a_minute_after_the_node(stage: Stage) -> None:
    await stage.say("node01", "Capturing")
    await stage.say("node02", "Finished")
    await stage.until(lambda obj: len((obj.get("status") or {}).get("files") or []) == 2)
    await stage.resources.delete(kinds.NODE, "node01")
    await asyncio.sleep(0.2)
    assert len((await stage.capture())["status"]["files"]) == 2
    stage.clock.advance(61)
    await stage.say("node02", "Finished", packets=9)
    found = await stage.until(state_is("Finished"))
    assert [entry["node"] for entry in found["status"]["files"]] == ["node02"]


async def test_an_agent_is_shown_as_a_pod(stage: Stage) -> None:
    await stage.say("node01", "Capturing")

    async def pods() -> list[Object]:
        return list((await stage.resources.list(kinds.POD, AGENT.namespace)).items)

    (pod,) = await until(pods, lambda found: len(found) == 1)
    assert pod["metadata"]["name"] == AGENT.pod_name("node01")
    await stage.resources.delete(kinds.NODE, "node01")
    await asyncio.sleep(0.2)
    stage.clock.advance(61)
    await stage.resources.create(kinds.NODE, {"metadata": {"name": "news"}})
    await until(pods, lambda found: found == [])
