"""Audit without the provider's help: what watches show, and what the API server posts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kodkod.logs.stores.memory import MemoryLogStore
from kodkod.resources import Object, kinds
from kodkod.server.cluster import derived
from kodkod.server.cluster.derived import Derived, verb_of
from kodkod.server.cluster.webhook import AuditStream, is_wanted, items_of
from kodkod.server.problems import Problem
from kodkod.store.informer import Change, Informer
from kodkod.testing.waiting import until

from .conftest import SmallCluster

FACE = "system:serviceaccount:kodkod-system:kodkod-face"


def pod(uid: str = "u", **changes: Any) -> Object:
    metadata = {"name": "p", "namespace": "dev", "uid": uid, "resourceVersion": "1", **changes.pop("metadata", {})}
    return {"metadata": metadata, "spec": {"containers": [{"image": "a"}]}, **changes}


ENDING = pod(metadata={"deletionTimestamp": "2026-11-22T10:00:00Z"})


@pytest.mark.parametrize(
    ("change", "before", "verb"),
    [
        pytest.param(Change("ADDED", pod()), None, "create", id="made"),
        pytest.param(Change("MODIFIED", pod(metadata={"labels": {"a": "b"}})), pod(), "update", id="labelled"),
        pytest.param(Change("MODIFIED", pod(spec={"containers": []})), pod(), "update", id="another spec"),
        pytest.param(Change("MODIFIED", pod(status={"phase": "Running"})), pod(), None, id="a status"),
        pytest.param(
            Change("MODIFIED", pod(spec={"containers": [{"image": "a"}], "nodeName": "n1"})), pod(), None, id="bound"
        ),
        pytest.param(Change("MODIFIED", ENDING), pod(), "delete", id="its end is asked for"),
        pytest.param(Change("MODIFIED", ENDING), ENDING, None, id="ends"),
        pytest.param(Change("DELETED", ENDING), ENDING, None, id="gone after its end"),
        pytest.param(Change("DELETED", pod()), pod(), "delete", id="gone at once"),
    ],
)
def test_what_somebody_must_have_asked_for(change: Change, before: Object | None, verb: str | None) -> None:
    assert verb_of(change, before) == verb


class Watcher:
    """What is derived from a small cluster."""

    def __init__(self, cluster: SmallCluster) -> None:
        self.cluster = cluster
        self.logs = MemoryLogStore()
        self.stream = AuditStream(cluster.clock)
        self.records: list[dict[str, Any]] = []
        self._probes = 0
        self.pods = Informer(cluster, kinds.POD)
        self.derived = Derived(cluster, self.pods, self.logs, self, self.stream, cluster.clock)

    def write(self, record: dict[str, Any]) -> None:
        self.records.append(record)

    async def is_listening(self) -> bool:
        """Whether changes of both kinds are told already; until then what is there is no change."""
        self._probes += 1
        name = f"probe-{self._probes}"
        await self.cluster.create(kinds.GLOBAL_NETWORK_SET, {"metadata": {"name": name}, "spec": {"nets": []}})
        await self.cluster.create(kinds.POD, {"metadata": {"name": name}, "spec": {"containers": []}}, "dev")
        await asyncio.sleep(0.2)
        told = {one["objectRef"]["resource"] for one in self.records}
        return {"globalnetworksets", "pods"} <= told

    async def told(self, name: str) -> list[str]:
        return [one["verb"] for one in self.records if one["objectRef"]["name"] == name]


@pytest.fixture
async def watcher(cluster: SmallCluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watcher]:
    monkeypatch.setattr(derived, "HOLD_S", 0.1)
    await cluster.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    await cluster.create(kinds.POD, {"metadata": {"name": "before"}, "spec": {"containers": []}}, "dev")
    found = Watcher(cluster)
    tasks = [asyncio.ensure_future(one.run()) for one in (found.pods, found.derived)]
    await until(found.is_listening, bool)
    yield found
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_changes_are_told_and_what_was_there_is_none(watcher: Watcher, cluster: SmallCluster) -> None:
    await cluster.create(kinds.POD, {"metadata": {"name": "p"}, "spec": {"containers": []}}, "dev")
    await cluster.patch(kinds.POD, "p", {"status": {"phase": "Running"}}, "dev", subresource="status")
    await cluster.patch(kinds.POD, "p", {"metadata": {"labels": {"a": "b"}}}, "dev")
    await cluster.delete(kinds.POD, "p", "dev")
    await until(lambda: watcher.told("p"), lambda verbs: verbs == ["create", "update", "delete"])
    assert await watcher.told("before") == []
    first = next(one for one in watcher.records if one["objectRef"]["name"] == "p")
    assert (first["objectRef"]["namespace"], first["responseObject"]["metadata"]["name"]) == ("dev", "p")
    assert "user" not in first
    assert first["annotations"] == {"kodkod.dev/derived": "from a watch: not by whom, nor from where"}


async def test_a_change_that_came_through_the_face_is_on_record_once(watcher: Watcher, cluster: SmallCluster) -> None:
    made = await cluster.create(kinds.GLOBAL_NETWORK_SET, {"metadata": {"name": "embargo"}, "spec": {"nets": []}})
    full = {
        "verb": "create", "auditID": "1", "objectRef": {"resource": "globalnetworksets", "name": "embargo"},
        "requestReceivedTimestamp": "2026-11-22T10:00:00Z", "responseObject": made,
    }  # fmt: skip
    await watcher.logs.append("audit", [full], arrival=cluster.clock.now())
    await cluster.create(kinds.GLOBAL_NETWORK_SET, {"metadata": {"name": "direct"}, "spec": {"nets": []}})
    await until(lambda: watcher.told("direct"), lambda verbs: verbs == ["create"])
    assert await watcher.told("embargo") == []


async def test_where_the_real_log_is_heard_nothing_is_derived(watcher: Watcher, cluster: SmallCluster) -> None:
    watcher.stream.hear()
    await cluster.create(kinds.POD, {"metadata": {"name": "heard"}, "spec": {"containers": []}}, "dev")
    await asyncio.sleep(0.3)
    assert await watcher.told("heard") == []
    cluster.clock.advance(601)
    await cluster.create(kinds.POD, {"metadata": {"name": "unheard"}, "spec": {"containers": []}}, "dev")
    await until(lambda: watcher.told("unheard"), lambda verbs: verbs == ["create"])


def event(**changes: Any) -> dict[str, Any]:
    reference = {"resource": "pods", "namespace": "dev", "name": "p", **changes.pop("objectRef", {})}
    return {"stage": "ResponseComplete", "verb": "create", "user": {"username": "a"}, "objectRef": reference, **changes}


@pytest.mark.parametrize(
    ("posted", "wanted"),
    [
        pytest.param(event(), True, id="a change"),
        pytest.param(event(verb="get"), False, id="a read"),
        pytest.param(event(stage="RequestReceived"), False, id="not done yet"),
        pytest.param(event(objectRef={"subresource": "status"}), False, id="a status"),
        pytest.param(event(objectRef={"resource": "leases"}), False, id="a sign of life"),
        pytest.param(event(objectRef={"apiGroup": "projectcalico.org"}), False, id="the face has it in full"),
        pytest.param(
            event(objectRef={"apiGroup": "crd.projectcalico.org"}, user={"username": FACE}), False, id="by the face"
        ),
        pytest.param(event(objectRef={"apiGroup": "crd.projectcalico.org"}), True, id="past the face"),
    ],
)
def test_which_events_of_the_real_log_are_kept(posted: dict[str, Any], wanted: bool) -> None:
    assert is_wanted(posted, FACE) is wanted


@pytest.mark.parametrize("body", [b"", b"[]", b'{"kind":"EventList"}', b'{"kind":"EventList","items":[1]}', b"{"])
def test_what_is_no_event_list_is_refused(body: bytes) -> None:
    with pytest.raises(Problem):
        items_of(body)
