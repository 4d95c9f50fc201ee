"""When a report is written, and what else is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from kodkod.agent.reporter import Reporter, is_due
from kodkod.clock import SystemClock
from kodkod.resources import Object, kinds
from kodkod.resources.kinds.node_report import NodeReportStatus
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.store.errors import NotFound
from kodkod.testing.waiting import until

CAPTURE = {"name": "a", "state": "Capturing", "packets": 5, "files": [{"name": "x", "bytes": 9}]}
BASE = {"ready": True, "endpoints": 3, "packets": 100, "captures": [CAPTURE]}


@pytest.mark.parametrize(
    ("change", "age_s", "expected"),
    [
        pytest.param({}, 59, False, id="rests"),
        pytest.param({}, 60, True, id="rested-long-enough"),
        pytest.param({"packets": 200}, 59, False, id="kubelets-probes-are-no-news"),
        pytest.param({"captures": [{**CAPTURE, "packets": 6}]}, 9, False, id="a-capture-grows"),
        pytest.param({"captures": [{**CAPTURE, "packets": 6}]}, 10, True, id="a-capture-grew-a-while-ago"),
        pytest.param({"captures": [{**CAPTURE, "state": "Finished"}]}, 0, True, id="a-state-changes"),
        pytest.param({"endpoints": 4}, 0, True, id="a-pod-came"),
        pytest.param({"ready": False}, 0, True, id="not-ready"),
    ],
)
def test_when_a_report_is_due(change: dict[str, object], age_s: float, expected: bool) -> None:
    assert is_due(BASE, {**BASE, **change}, age_s, 60) is expected


@pytest.fixture
async def resources() -> AsyncIterator[EmbeddedResources]:
    made = EmbeddedResources(MEMORY, SystemClock())
    await made.open()
    yield made
    await made.close()


async def report(resources: EmbeddedResources) -> Object:
    try:
        return dict((await resources.get(kinds.NODE_REPORT, "n1-agent")).get("status") or {})
    except NotFound:
        return {}


@pytest.mark.parametrize("keeps_node", [True, False])
async def test_a_report_comes_back_and_a_node_only_where_it_is_ours(
    resources: EmbeddedResources, keeps_node: bool
) -> None:
    observed = NodeReportStatus(ready=True)
    reporter = Reporter(resources, "n1", "agent", SystemClock(), lambda: observed, keeps_node=keeps_node)
    task = asyncio.ensure_future(reporter.run())
    try:
        await until(lambda: report(resources), lambda found: bool(found.get("ready")))
        await resources.delete(kinds.NODE_REPORT, "n1-agent")
        observed = NodeReportStatus(ready=False)
        await until(lambda: report(resources), lambda found: found.get("ready") is False)
        nodes = (await resources.list(kinds.NODE)).items
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [node["metadata"]["name"] for node in nodes] == (["n1"] if keeps_node else [])
    for node in nodes:
        (ready,) = node["status"]["conditions"]
        assert ready["lastTransitionTime"] <= ready["lastHeartbeatTime"]
