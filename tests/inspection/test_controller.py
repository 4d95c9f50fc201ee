"""Nodes' reports become the status of inspections and the pods of tigera-dpi."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kodkod.clock import rfc3339_micro
from kodkod.inspection.controller import Controller, fold
from kodkod.resources import Object, kinds
from kodkod.resources.process_pods import INSPECTOR
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.clock import SimulatedClock
from kodkod.testing.waiting import until

BROKEN = {"message": "a.rules:1:1: bad", "lastUpdated": "2026-11-22T10:00:00.000000Z"}


def test_an_entry_a_node_with_errors_once_and_ten_at_most() -> None:
    many = [BROKEN, BROKEN, *({**BROKEN, "message": str(number)} for number in range(20))]
    report = {
        "spec": {"node": "node01", "role": "inspector"},
        "status": {
            "observedAt": "2026-11-22T10:00:00.000000Z",
            "rules": {"full": 5, "degraded": 1},
            "inspections": [{"uid": "u", "success": False, "attached": 2, "errorConditions": many}],
        },
    }
    (entry,) = fold({"metadata": {"uid": "u"}}, [report])["nodes"]
    assert entry["active"] == {"success": False, "lastUpdated": "2026-11-22T10:00:00.000000Z"}
    assert len(entry["errorConditions"]) == 10
    assert [one["message"] for one in entry["errorConditions"]].count("a.rules:1:1: bad") == 1
    assert (entry["endpoints"], entry["rules"]) == (2, 6)


class Stage:
    def __init__(self, resources: EmbeddedResources, clock: SimulatedClock) -> None:
        self.resources, self.clock = resources, clock

    async def apply(self, name: str) -> str:
        made = await self.resources.create(kinds.DEEP_PACKET_INSPECTION, {"metadata": {"name": name}}, "dev")
        return str(made["metadata"]["uid"])

    async def say(self, *uids: str, ready: bool = True) -> None:
        """The inspector of node01 reports these inspections."""
        inspections = [{"namespace": "dev", "name": "d", "uid": uid, "success": True} for uid in uids]
        await self.resources.patch(
            kinds.NODE_REPORT,
            "node01-inspector",
            {"status": {"observedAt": rfc3339_micro(self.clock.now()), "ready": ready, "inspections": inspections}},
            subresource="status",
        )

    async def detection(self) -> Object:
        return await self.resources.get(kinds.INTRUSION_DETECTION, "tigera-secure")

    async def pods(self) -> list[Object]:
        return (await self.resources.list(kinds.POD, INSPECTOR.namespace)).items

    async def until(self, fact: Callable[[list[Object]], bool]) -> list[Object]:
        return await until(self.pods, fact)


def ready(pods: list[Object]) -> list[str]:
    return [
        condition["status"]
        for pod in pods
        for condition in (pod.get("status") or {}).get("conditions") or []
        if condition["type"] == "Ready"
    ]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    clock = SimulatedClock()
    resources = EmbeddedResources(MEMORY, clock)
    await resources.open()
    for namespace in ("dev", INSPECTOR.namespace):
        await resources.create(kinds.NAMESPACE, {"metadata": {"name": namespace}})
    await resources.create(kinds.NODE, {"metadata": {"name": "node01"}})
    spec = {"node": "node01", "role": "inspector"}
    await resources.create(kinds.NODE_REPORT, {"metadata": {"name": "node01-inspector"}, "spec": spec})
    running = asyncio.ensure_future(Controller(resources, clock).run())
    yield Stage(resources, clock)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await resources.close()


async def test_the_pod_is_ready_once_the_first_inspection_is_attached_and_no_sooner(stage: Stage) -> None:
    await stage.say()
    assert await stage.pods() == []
    uid = await stage.apply("first")
    pods = await stage.until(lambda pods: ready(pods) == ["False"])
    assert [pod["metadata"]["name"] for pod in pods] == [INSPECTOR.pod_name("node01")]
    assert pods[0]["spec"]["hostNetwork"]
    await stage.say(uid)
    await stage.until(lambda pods: ready(pods) == ["True"])


async def test_a_later_inspection_does_not_change_readiness(stage: Stage) -> None:
    await stage.say(await stage.apply("first"))
    await stage.until(lambda pods: ready(pods) == ["True"])
    await stage.apply("second")
    await asyncio.sleep(0.2)
    assert ready(await stage.pods()) == ["True"]


async def test_an_inspector_that_is_not_heard_is_not_ready(stage: Stage) -> None:
    uid = await stage.apply("first")
    await stage.say(uid)
    await stage.until(lambda pods: ready(pods) == ["True"])
    stage.clock.advance(31)
    await stage.resources.create(kinds.NODE, {"metadata": {"name": "news"}})
    pods = await stage.until(lambda pods: ready(pods) == ["False"])
    assert pods[0]["status"]["phase"] == "Pending"


async def test_without_any_inspection_there_is_no_pod(stage: Stage) -> None:
    await stage.say(await stage.apply("first"))
    await stage.until(lambda pods: len(pods) == 1)
    await stage.resources.delete(kinds.DEEP_PACKET_INSPECTION, "first", "dev")
    await stage.until(lambda pods: pods == [])


async def test_bounds_are_confirmed_once_an_engine_reports(stage: Stage) -> None:
    await stage.resources.create(kinds.INTRUSION_DETECTION, {"metadata": {"name": "tigera-secure"}, "spec": {}})
    engine: dict[str, Any] = {
        "workers": 1, "memoryBytes": 1, "cgroup": "v1", "cpuMillis": 500, "limitBytes": 300 << 20,
    }  # fmt: skip
    await stage.resources.patch(
        kinds.NODE_REPORT, "node01-inspector", {"status": {"engine": engine}}, subresource="status"
    )
    confirmed = await until(stage.detection, lambda obj: (obj.get("status") or {}).get("state") == "Ready")
    (condition,) = confirmed["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Bounded", "True", "ControlGroup")
    assert condition["message"] == "node01: 0.5 cores and 300 MiB (control group v1)"


async def test_what_happens_is_told(stage: Stage) -> None:
    uid = await stage.apply("first")

    async def say(**fields: Any) -> None:
        one = {"namespace": "dev", "name": "first", "uid": uid, "success": True, "attached": 1, **fields}
        status = {"observedAt": rfc3339_micro(stage.clock.now()), "rules": {"full": 38}, "inspections": [one]}
        await stage.resources.patch(kinds.NODE_REPORT, "node01-inspector", {"status": status}, subresource="status")

    async def told() -> list[tuple[str, str, str]]:
        listed = await stage.resources.list(kinds.EVENT, "dev")
        return sorted((event["type"], event["reason"], event["message"]) for event in listed.items)

    await say()
    await until(told, lambda found: found == [("Normal", "Started", "node01: inspecting with 38 rules")])
    await say(errorConditions=[BROKEN], success=False)
    await until(told, lambda found: ("Warning", "Error", "node01: a.rules:1:1: bad") in found)
    await say()
    await until(told, lambda found: ("Normal", "Recovered", "node01: the errors are over") in found)
    await say(attached=0)
    found = await until(told, lambda found: len(found) == 4)
    assert ("Normal", "Stopped", "node01: no endpoint here is inspected any more") in found
