"""One conformance suite for every implementation of `Resources`: in memory, in a file, over HTTP, renamed to CRDs."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kodkod.clock import SystemClock
from kodkod.resources import Object, kinds
from kodkod.store import APPLY, JSON, Preconditions, Resources, errors, kubeconfig
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.store.groups import AS_THEY_ARE, CRD_GROUPS
from kodkod.store.remote import RemoteResources
from kodkod.testing.scenarios import playground

CAPTURE = kinds.PACKET_CAPTURE
NAMES = iter(range(1_000_000))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Data folder of a running server."""
    with playground(tmp_path_factory.mktemp("server")) as ground:
        yield ground.data


@pytest.fixture(params=["memory", "file", "http", "crd"])
async def resources(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Resources]:
    if request.param in ("http", "crd"):
        connection = kubeconfig.load(request.getfixturevalue("server") / "run/server.kubeconfig")
        async with RemoteResources(
            connection.server,
            token=connection.token,
            trust=connection.ssl_context(),
            stored_as=CRD_GROUPS if request.param == "crd" else AS_THEY_ARE,
        ) as remote:
            yield remote
        return
    path = MEMORY if request.param == "memory" else tmp_path / "resources.db"
    embedded = EmbeddedResources(path, SystemClock())
    await embedded.open()
    yield embedded
    await embedded.close()


@pytest.fixture
async def namespace(resources: Resources) -> str:
    name = f"ns-{next(NAMES)}"
    await resources.create(kinds.NAMESPACE, {"metadata": {"name": name}})
    return name


def capture(name: str = "c", **spec: object) -> Object:
    return {"metadata": {"name": name}, "spec": spec}


async def test_create_get_list_delete(resources: Resources, namespace: str) -> None:
    made = await resources.create(CAPTURE, capture(selector="a == 'b'"), namespace)
    assert (made["metadata"]["generation"], made["apiVersion"]) == (1, "projectcalico.org/v3")
    assert (await resources.get(CAPTURE, "c", namespace))["spec"] == {"selector": "a == 'b'"}
    listed = await resources.list(CAPTURE, namespace)
    assert [item["metadata"]["name"] for item in listed.items] == ["c"]
    assert listed.items[0]["kind"] == "PacketCapture"
    await resources.delete(CAPTURE, "c", namespace)
    with pytest.raises(errors.NotFound):
        await resources.get(CAPTURE, "c", namespace)


async def test_errors_are_of_one_tree(resources: Resources, namespace: str) -> None:
    await resources.create(CAPTURE, capture(), namespace)
    with pytest.raises(errors.AlreadyExists):
        await resources.create(CAPTURE, capture(), namespace)
    with pytest.raises(errors.Invalid) as refusal:
        await resources.create(CAPTURE, capture("d", filters=[{"ports": [0]}]), namespace)
    assert [cause.field for cause in refusal.value.causes] == ["spec.filters[0].ports[0]"]
    with pytest.raises(errors.Conflict):
        await resources.delete(CAPTURE, "c", namespace, preconditions=Preconditions(uid="another"))
    with pytest.raises(errors.NotFound):
        await resources.create(CAPTURE, capture(), "no-such-namespace")
    with pytest.raises(errors.BadRequest):
        await resources.list(CAPTURE, namespace, field_selector="spec.selector=x")


async def test_a_stale_update_is_a_conflict(resources: Resources, namespace: str) -> None:
    old = await resources.create(CAPTURE, capture(), namespace)
    await resources.patch(CAPTURE, "c", {"spec": {"selector": "has(x)"}}, namespace)
    with pytest.raises(errors.Conflict, match="has been modified"):
        await resources.update(CAPTURE, old)


async def test_status_is_written_apart(resources: Resources, namespace: str) -> None:
    await resources.create(CAPTURE, {**capture(), "status": {"state": "Error"}}, namespace)
    status = {"status": {"state": "Capturing"}, "spec": {"selector": "has(x)"}}
    changed = await resources.patch(CAPTURE, "c", status, namespace, subresource="status")
    assert changed["status"] == {"state": "Capturing"}
    assert (changed["spec"]["selector"], changed["metadata"]["generation"]) == ("all()", 1)


async def test_every_patch(resources: Resources, namespace: str) -> None:
    await resources.create(CAPTURE, capture(), namespace)
    replaced = [{"op": "replace", "path": "/spec/selector", "value": "has(y)"}]
    assert (await resources.patch(CAPTURE, "c", replaced, namespace, how=JSON))["spec"]["selector"] == "has(y)"
    body = {"apiVersion": CAPTURE.api_version, "kind": CAPTURE.kind, **capture(endTime="2030-01-01T00:00:00Z")}
    applied = await resources.patch(CAPTURE, "c", body, namespace, how=APPLY, field_manager="me")
    assert applied["spec"]["endTime"] == "2030-01-01T00:00:00Z"
    contested = {**body, "spec": {"selector": "has(z)", "endTime": "2031-01-01T00:00:00Z"}}
    with pytest.raises(errors.Conflict) as refusal:
        await resources.patch(CAPTURE, "c", contested, namespace, how=APPLY, field_manager="you")
    assert {cause.field for cause in refusal.value.causes} == {".spec.selector", ".spec.endTime"}


async def test_pages(resources: Resources, namespace: str) -> None:
    for index in range(5):
        await resources.create(CAPTURE, capture(f"c{index}"), namespace)
    names, token = [], ""
    while True:
        page = await resources.list(CAPTURE, namespace, limit=2, continue_token=token)
        names += [item["metadata"]["name"] for item in page.items]
        token = page.continue_token
        if not token:
            break
    assert names == ["c0", "c1", "c2", "c3", "c4"]


async def test_a_watch_tells_what_happens(resources: Resources, namespace: str) -> None:
    version = (await resources.list(CAPTURE, namespace)).resource_version
    await resources.create(CAPTURE, capture(), namespace)
    await resources.patch(CAPTURE, "c", {"spec": {"selector": "has(x)"}}, namespace)
    last = await resources.delete(CAPTURE, "c", namespace)
    seen = []
    async with contextlib.aclosing(resources.watch(CAPTURE, namespace, resource_version=version)) as events:
        async for event in events:
            seen.append((event.type, event.object["metadata"]["name"]))
            if len(seen) == 3:
                break
    assert seen == [("ADDED", "c"), ("MODIFIED", "c"), ("DELETED", "c")]
    assert last


async def test_a_version_from_another_life_is_gone(resources: Resources, namespace: str) -> None:
    with pytest.raises(errors.Gone):
        await anext(resources.watch(CAPTURE, namespace, resource_version="99999999"))
    with pytest.raises(errors.VersionTooLarge):
        await resources.list(CAPTURE, namespace, resource_version="99999999")


async def test_dry_run_and_warnings(resources: Resources, namespace: str) -> None:
    warnings: list[str] = []
    await resources.create(CAPTURE, capture(bogus=1), namespace, dry_run=True, warnings=warnings)
    assert warnings == ['unknown field "spec.bogus"']
    assert (await resources.list(CAPTURE, namespace)).items == []


def killed_writer(path: Path) -> list[str]:
    """What was acknowledged by a writer that is killed midway."""
    program = Path(__file__).with_name("writer.py")
    process = subprocess.Popen([sys.executable, str(program), str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None, "asked for above"
    acknowledged = [process.stdout.readline().decode().strip() for _ in range(60)]
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    return acknowledged + rest.decode().split("\n")[:-1]


async def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    version = 0
    for _ in range(2):
        acknowledged |= set(killed_writer(tmp_path / "r.db"))
        embedded = EmbeddedResources(tmp_path / "r.db", SystemClock())
        await embedded.open()
        listed = await embedded.list(kinds.GLOBAL_NETWORK_SET)
        assert acknowledged <= {item["metadata"]["name"] for item in listed.items}
        assert int(listed.resource_version) > version
        version = int(listed.resource_version)
        await embedded.close()
