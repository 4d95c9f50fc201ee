"""Captures as console and scripts use them: `/v1/captures` over the same objects, rights and records as the API's."""

from __future__ import annotations

import contextlib
import io
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from kodkod.access import SERVER
from kodkod.capture.retrieval import Found, Nodes, Place, RemoteFile, Stream
from kodkod.clock import rfc3339
from kodkod.resources import Object, kinds
from kodkod.server import node_features
from kodkod.server.app import ServerConfig, compose, create_app
from kodkod.server.services import Services
from kodkod.testing.clock import SimulatedClock

V1 = "/v1/captures"
V3 = "/apis/projectcalico.org/v3/namespaces/default/packetcaptures"


class Records:
    """Keeps audit records."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []

    def write(self, record: dict[str, Any]) -> None:
        self.held.append(record)


class Disk(Nodes):
    """One node's files, held in memory."""

    held: dict[str, bytes] = {}  # noqa: RUF012  # emptied by the fixture

    async def files(self, reports: Iterable[Object], namespace: str, name: str, *, sealed: bool = False) -> Found:
        return Found(
            [
                RemoteFile("n1", Place(""), held, len(data), f"id-{held}", True, zlib.crc32(data))
                for held, data in self.held.items()
            ]
        )

    async def open(self, file: RemoteFile, namespace: str, name: str, asked_range: str = "") -> Stream:
        async def content() -> AsyncIterator[bytes]:
            yield self.held[file.name]

        return Stream(200, {}, content(), contextlib.AsyncExitStack())

    async def part(self, file: RemoteFile, namespace: str, name: str, begin: int, end: int) -> AsyncIterator[bytes]:
        yield self.held[file.name][begin:end]

    async def delete(self, reports: Iterable[Object], namespace: str, name: str) -> tuple[int, list[str]]:
        gone = len(self.held)
        self.held.clear()
        return gone, []


@pytest.fixture
async def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    monkeypatch.setattr(node_features, "Nodes", Disk)
    Disk.held.clear()
    async with compose(ServerConfig(tmp_path, "127.0.0.1", 9443, "n1"), SimulatedClock()) as composed:
        composed.audit = Records()
        yield composed


def client(services: Services, identity: str) -> httpx.AsyncClient:
    path = services.data / ("kubeconfig" if identity == "admin" else f"run/{identity}.kubeconfig")
    token = yaml.safe_load(path.read_text())["users"][0]["user"]["token"]
    transport = httpx.ASGITransport(create_app(services))
    return httpx.AsyncClient(
        transport=transport, base_url="https://server", headers={"Authorization": f"Bearer {token}"}
    )


@pytest.fixture
async def admin(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    async with client(services, "admin") as found:
        yield found


async def report(services: Services, captures: list[dict[str, Any]]) -> None:
    spec = {"node": "n1", "role": "agent"}
    await services.resources.create(kinds.NODE_REPORT, {"metadata": {"name": "n1-agent"}, "spec": spec})
    await services.resources.patch(
        kinds.NODE_REPORT, "n1-agent", {"status": {"captures": captures}}, subresource="status"
    )


async def folded(services: Services, name: str, **entry: Any) -> None:
    status = {"state": entry["state"], "files": [{"node": "n1", **entry}]}
    await services.resources.patch(kinds.PACKET_CAPTURE, name, {"status": status}, "default", subresource="status")


def new(name: str = "c", **rest: Any) -> dict[str, Any]:
    return {"namespace": "default", "name": name, **rest}


async def test_one_made_here_is_the_same_object_there(admin: httpx.AsyncClient) -> None:
    filters = [{"protocol": "TCP", "ports": [80, "6040:6050"]}]

    made = await admin.post(V1, json=new(selector='app == "nginx"', filters=filters))

    assert made.status_code == 201, made.text
    spec = (await admin.get(f"{V3}/c")).json()["spec"]
    assert spec == {"selector": 'app == "nginx"', "filters": filters}
    assert made.json()["filters"] == filters
    assert made.json()["may"] == ["change", "delete", "read_files", "delete_files"]


@pytest.mark.parametrize(
    ("window", "seconds"),
    [({"duration": "15m"}, 900), ({"start": "2000-01-01T00:00:00Z", "duration": "90s"}, 90)],
    ids=["from now", "a start in the past counts as now"],
)
async def test_a_duration_is_an_end(
    services: Services, admin: httpx.AsyncClient, window: dict[str, str], seconds: int
) -> None:
    now = services.clock.now()

    made = (await admin.post(V1, json=new(**window))).json()

    assert made["end"] == rfc3339(now.fromtimestamp(now.timestamp() + seconds, now.tzinfo))


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (new(selector="app = nginx"), 422, "invalid", "spec.selector"),
        (new(filters=[{"protocol": "tcp"}]), 422, "invalid", "write TCP"),
        (new(filters=[{"port": [1]}]), 422, "bad_request", "port"),
        (new(start="2026-01-02T00:00:00Z", end="2026-01-01T00:00:00Z"), 422, "invalid", "endTime"),
        (new(end="2026-01-01T00:00:00"), 422, "bad_request", "timezone"),
        (new(end="2026-01-01T00:00:00Z", duration="1m"), 422, "bad_request", "either end or duration"),
        (new(duration="soon"), 422, "bad_request", "not a duration"),
        (new(name="No Name"), 422, "invalid", "metadata.name"),
        ({"namespace": "nowhere", "name": "c"}, 404, "not_found", "nowhere"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_meant_is_refused_by_name(
    admin: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, words: str
) -> None:
    answer = await admin.post(V1, json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert words in answer.json()["message"]


async def test_a_name_is_taken_once(admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())

    assert (await admin.post(V1, json=new())).json()["code"] == "conflict"


async def test_what_the_nodes_say_is_folded(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())
    await folded(
        services, "c", state="Capturing", fileNames=["a_eth0.pcap", "b_eth0.pcap"], bytes=1200, packets=9, dropped=1
    )

    (found,) = (await admin.get(V1)).json()["items"]

    assert (found["state"], found["files"], found["bytes"], found["packets"], found["dropped"]) == (
        "Capturing", 2, 1200, 9, 1,
    )  # fmt: skip
    assert found["nodes"][0]["files"] == ["a_eth0.pcap", "b_eth0.pcap"]


async def test_nothing_recorded_says_why(services: Services, admin: httpx.AsyncClient) -> None:
    made = await admin.post(V1, json=new())
    assert (made.json()["state"], made.json()["message"]) == ("Pending", "no agent reports to this server")

    await report(services, [])

    assert "picks no workload" in (await admin.get(f"{V1}/default/c")).json()["message"]


async def test_an_error_says_where_and_why(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())
    await folded(services, "c", state="Error", message="no room on the disk")

    assert (await admin.get(f"{V1}/default/c")).json()["message"] == "n1: no room on the disk"


async def test_stop_ends_the_window_and_run_opens_it(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())

    stopped = (await admin.post(f"{V1}/default/c/stop")).json()
    assert stopped["end"] == rfc3339(services.clock.now())
    assert (await admin.post(f"{V1}/default/c/stop")).json()["end"] == stopped["end"]

    again = (await admin.post(f"{V1}/default/c/run")).json()
    assert (again["start"], again["end"]) == (None, None)


async def test_a_scheduled_one_is_stopped_before_it_begins(admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new(start="2099-01-01T00:00:00Z", duration="1h"))

    stopped = await admin.post(f"{V1}/default/c/stop")

    assert stopped.status_code == 200, stopped.text
    assert stopped.json()["start"] is None


async def test_run_takes_a_window(admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())

    run = await admin.post(f"{V1}/default/c/run", json={"start": "2099-01-01T00:00:00Z", "duration": "1h"})

    assert (run.json()["start"], run.json()["end"]) == ("2099-01-01T00:00:00Z", "2099-01-01T01:00:00Z")


async def test_delete_answers_what_it_was(admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())

    assert (await admin.delete(f"{V1}/default/c")).json()["name"] == "c"
    assert (await admin.get(f"{V1}/default/c")).status_code == 404
    assert (await admin.delete(f"{V1}/default/c")).json()["code"] == "not_found"


async def test_files_are_listed_fetched_and_deleted(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())
    await folded(services, "c", state="Finished", fileNames=["a_eth0.pcap"])
    Disk.held["a_eth0.pcap"] = b"packets"
    files = f"{V1}/default/c/files"

    assert (await admin.get(files)).json()["items"] == [
        {"node": "n1", "name": "a_eth0.pcap", "id": "id-a_eth0.pcap", "bytes": 7, "active": True}
    ]
    assert (await admin.get(f"{files}/n1/a_eth0.pcap")).content == b"packets"
    zipped = await admin.get(f"{files}.zip")
    assert zipped.headers["content-disposition"] == 'attachment; filename="default_c.zip"'
    archive = zipfile.ZipFile(io.BytesIO(zipped.content))
    assert archive.read("a_eth0.pcap") == b"packets"
    assert (await admin.delete(files)).json() == {"deleted": 1}
    assert (await admin.get(f"{files}.zip")).json()["message"] == "no file yet"


async def test_files_of_a_running_capture_stay(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())
    await folded(services, "c", state="Capturing", fileNames=["a_eth0.pcap"])
    Disk.held["a_eth0.pcap"] = b"packets"

    assert (await admin.delete(f"{V1}/default/c/files")).json()["code"] == "conflict"
    assert Disk.held


@pytest.mark.parametrize("name", ["..", "a%2Fb", ".capture.json"])
async def test_no_name_leads_out_of_the_folder(admin: httpx.AsyncClient, name: str) -> None:
    Disk.held["a_eth0.pcap"] = b"packets"

    assert (await admin.get(f"{V1}/default/{name}/files.zip")).status_code == 404


async def test_a_viewer_sees_captures_and_no_packets(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())
    async with client(services, "viewer") as viewer:
        (found,) = (await viewer.get(V1)).json()["items"]
        assert found["may"] == []
        for method, path in [
            ("POST", V1), ("POST", f"{V1}/default/c/stop"), ("DELETE", f"{V1}/default/c"),
            ("GET", f"{V1}/default/c/files"), ("GET", f"{V1}/default/c/files.zip"), ("DELETE", f"{V1}/default/c/files"),
        ]:  # fmt: skip
            answer = await viewer.request(method, path, json=new("d") if path == V1 else None)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


async def test_a_right_in_one_namespace_shows_that_namespace(services: Services, admin: httpx.AsyncClient) -> None:
    await services.resources.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    for namespace in ("default", "dev"):
        await admin.post(V1, json={"namespace": namespace, "name": "c"})
    rules = [{"apiGroups": ["projectcalico.org"], "resources": ["packetcaptures"], "verbs": ["list"]}]
    await services.resources.create(kinds.ROLE, {"metadata": {"name": "r"}, "rules": rules}, "dev")
    subject = {"kind": "User", "name": "system:kodkod:lab", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {
        "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [subject],
    }
    async with client(services, "lab") as lab:
        assert (await lab.get(V1)).status_code == 403
        await services.resources.create(kinds.ROLE_BINDING, binding, "dev")
        assert [one["namespace"] for one in (await lab.get(V1)).json()["items"]] == ["dev"]
        assert (await lab.get(V1, params={"namespace": "default"})).status_code == 403


async def test_every_deed_is_on_record_refusals_too(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(V1, json=new())
    await admin.post(f"{V1}/default/c/stop")
    await admin.get(f"{V1}/default/c/files")
    await admin.get(V1)
    async with client(services, "viewer") as viewer:
        await viewer.get(f"{V1}/default/c/files.zip")

    audit = services.audit
    assert isinstance(audit, Records)
    said = [(one["verb"], one["objectRef"].get("subresource", ""), one["responseStatus"]["code"]) for one in audit.held]
    assert said == [("create", "", 201), ("patch", "", 200), ("get", "files", 200), ("get", "files", 403)]
    assert audit.held[0]["requestObject"]["kind"] == "PacketCapture"
    assert SERVER.name not in {one["user"]["username"] for one in audit.held}
