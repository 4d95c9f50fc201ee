"""The composed server as clients see it: who gets in, in which form answers come, what goes on record."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from kodkod.access.callers import VIEWER
from kodkod.clock import SystemClock
from kodkod.server.app import ServerConfig, compose, create_app
from kodkod.server.services import Services
from kodkod.server.sessions import expiry_of

V3 = "/apis/projectcalico.org/v3"
CAPTURES = f"{V3}/namespaces/default/packetcaptures"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Records:
    """Keeps audit records."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []

    def write(self, record: dict[str, Any]) -> None:
        self.held.append(record)


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    async with compose(ServerConfig(tmp_path, "127.0.0.1", 9443, "n1"), SystemClock()) as composed:
        composed.audit = Records()
        yield composed


def token(services: Services, identity: str) -> str:
    path = services.data / ("kubeconfig" if identity == "admin" else f"run/{identity}.kubeconfig")
    found: str = yaml.safe_load(path.read_text())["users"][0]["user"]["token"]
    return found


@pytest.fixture
async def anyone(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client that shows nothing."""
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="https://server") as client:
        yield client


@pytest.fixture
async def admin(services: Services, anyone: httpx.AsyncClient) -> httpx.AsyncClient:
    anyone.headers["Authorization"] = f"Bearer {token(services, 'admin')}"
    return anyone


def capture(name: str = "c") -> dict[str, Any]:
    return {"apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", "metadata": {"name": name}, "spec": {}}


async def test_secrets_of_the_data_folder_are_private(services: Services) -> None:
    private = [services.data / "kubeconfig", services.data / "pki/ca.key", services.data / "pki/tokens.json"]
    private += list((services.data / "run").glob("*.kubeconfig"))
    assert len(private) >= 8
    assert [path.stat().st_mode & 0o077 for path in private] == [0] * len(private)


@pytest.mark.parametrize(("path", "code"), [("/readyz", 200), ("/healthz", 200), (CAPTURES, 401), ("/metrics", 401)])
async def test_without_proof(anyone: httpx.AsyncClient, path: str, code: int) -> None:
    assert (await anyone.get(path)).status_code == code


async def test_a_wrong_token_is_refused(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get(CAPTURES, headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")


async def test_a_viewer_reads_and_does_not_write(services: Services, anyone: httpx.AsyncClient) -> None:
    viewer = {"Authorization": f"Bearer {token(services, 'viewer')}"}
    assert (await anyone.get(CAPTURES, headers=viewer)).status_code == 200
    answer = await anyone.post(CAPTURES, json=capture(), headers=viewer)
    assert answer.status_code == 403
    assert 'User "system:viewer" cannot create resource "packetcaptures"' in answer.json()["message"]


async def test_every_write_is_on_record_refusals_too(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.post(CAPTURES, json=capture())
    await admin.post(CAPTURES, json=capture())
    await admin.delete(f"{CAPTURES}/c")
    records = [record for record in services.audit.held if record["objectRef"]["resource"] == "packetcaptures"]  # type: ignore[attr-defined]
    assert [(record["verb"], record["responseStatus"]["code"]) for record in records] == [
        ("create", 201), ("create", 409), ("delete", 200),
    ]  # fmt: skip
    first = records[0]
    assert (first["user"]["username"], first["level"], first["stage"]) == (
        "system:admin", "RequestResponse", "ResponseComplete",
    )  # fmt: skip
    assert first["responseObject"]["metadata"]["name"] == first["objectRef"]["name"] == "c"


async def test_reading_is_not_on_record(services: Services, admin: httpx.AsyncClient) -> None:
    await admin.get(CAPTURES)
    assert services.audit.held == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "accept",
    [TABLE, "application/json;g=meta.k8s.io;v=v1;as=Table", f"{TABLE},application/json", f"{TABLE}, */*"],
)
async def test_tables_however_the_parameters_stand(admin: httpx.AsyncClient, accept: str) -> None:
    await admin.post(CAPTURES, json=capture())
    table = (await admin.get(CAPTURES, headers={"Accept": accept})).json()
    assert table["kind"] == "Table"
    assert [column["name"] for column in table["columnDefinitions"]][:5] == ["Name", "State", "Nodes", "Files", "Bytes"]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("accept", "code"),
    [("application/vnd.kubernetes.protobuf", 406), ("application/vnd.kubernetes.protobuf,application/json", 200)],
)
async def test_protobuf_alone_is_not_served(admin: httpx.AsyncClient, accept: str, code: int) -> None:
    assert (await admin.get("/api/v1/pods", headers={"Accept": accept})).status_code == code


async def test_an_expired_watch_is_an_event_not_a_code(admin: httpx.AsyncClient) -> None:
    answer = await admin.get(CAPTURES, params={"watch": "True", "resourceVersion": "999999", "timeoutSeconds": "1"})
    assert answer.status_code == 200
    assert '"type":"ERROR"' in answer.text
    assert '"code":410' in answer.text


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"fieldSelector": "spec.color=red"}, "field label not supported: spec.color"),
        ({"fieldSelector": "metadata.name"}, "can't understand 'metadata.name'"),
        ({"labelSelector": "a in (b"}, "unable to parse requirement"),
        ({"resourceVersion": "soon"}, "invalid resource version: 'soon'"),
    ],
)
async def test_a_watch_that_cannot_be_is_refused_by_its_code(
    admin: httpx.AsyncClient, parameters: dict[str, str], said: str
) -> None:
    answer = await admin.get(CAPTURES, params={"watch": "true", "timeoutSeconds": "1", **parameters})
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert said in answer.json()["message"]


async def test_initial_events_end_with_their_mark(admin: httpx.AsyncClient) -> None:
    await admin.post(CAPTURES, json=capture())
    wanted = {"watch": "1", "sendInitialEvents": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "1"}
    lines = (await admin.get(CAPTURES, params=wanted)).text.strip().split("\n")
    assert '"ADDED"' in lines[0]
    assert "initial-events-end" in lines[1]


@pytest.mark.parametrize(
    ("method", "path", "media", "body", "code"),
    [
        ("POST", CAPTURES, "application/json", b"{", 400),
        ("POST", CAPTURES, "application/json", b"[]", 400),
        ("POST", CAPTURES, "text/plain", b"x", 415),
        ("POST", CAPTURES, "application/json", b"[" * 100_000, 400),
        ("POST", CAPTURES, "application/json", b" " * (3 << 20) + b"{}", 413),
        ("PATCH", f"{CAPTURES}/x", "application/strategic-merge-patch+json", b"{}", 415),
        ("PUT", CAPTURES, "application/json", b"{}", 405),
        ("GET", f"{V3}/namespaces/default/nothings", "application/json", b"", 404),
        ("GET", f"{CAPTURES}?limit=x", "application/json", b"", 400),
        ("GET", f"{CAPTURES}?labelSelector=a%20b", "application/json", b"", 400),
        ("POST", f"{CAPTURES}?dryRun=Some", "application/json", b"{}", 400),
        ("POST", CAPTURES, "application/vnd.kubernetes.protobuf", b"k8s\0\xff\xff", 400),
    ],
)
async def test_unreadable_requests_are_refused_by_name(
    admin: httpx.AsyncClient, method: str, path: str, media: str, body: bytes, code: int
) -> None:
    answer = await admin.request(method, path, content=body, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["kind"]) == (code, "Status")


async def test_a_login_link_works_once(services: Services, anyone: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {token(services, 'admin')}"}
    path = (await anyone.post("/v1/session/link", headers=bearer)).json()["path"]
    answer = await anyone.get(path)
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=strict"))
    assert (await anyone.get(CAPTURES)).status_code == 200
    anyone.cookies.clear()
    assert (await anyone.get(path)).status_code == 401


async def test_a_token_is_traded_for_a_session(services: Services, anyone: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {token(services, 'viewer')}"}
    assert (await anyone.get("/v1/session")).status_code == 401
    answer = await anyone.post("/v1/session", headers=bearer)
    assert answer.json()["name"] == "system:viewer"
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=strict", "max-age=43200"))
    assert (await anyone.get("/v1/session")).json()["name"] == "system:viewer"
    origin = {"Origin": "https://server"}
    assert (await anyone.post("/v1/session", headers=origin)).status_code == 400, "a session does not renew itself"
    assert (await anyone.delete("/v1/session", headers=origin)).status_code == 200
    assert (await anyone.get("/v1/session")).status_code == 401


async def test_a_node_has_no_session(services: Services, anyone: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {token(services, 'agent')}"}
    for path in ("/v1/session", "/v1/session/link"):
        assert (await anyone.post(path, headers=bearer)).status_code == 403


@pytest.mark.parametrize("how", ["token", "link"])
async def test_a_session_ends_with_its_token(services: Services, anyone: httpx.AsyncClient, how: str) -> None:
    ends = services.clock.now() + timedelta(minutes=5)
    cookie, life_s = (
        services.sessions.begin(VIEWER, ends)
        if how == "token"
        else services.sessions.trade(services.sessions.make_link(VIEWER, ends))
    )
    assert 290 < life_s <= 300
    anyone.cookies.set("kodkod_session", cookie)
    assert (await anyone.get("/v1/session")).status_code == 200


@pytest.mark.parametrize(
    ("claims", "wanted"),
    [
        (b'{"exp": 1800000000}', datetime.fromtimestamp(1_800_000_000, UTC)),
        (b'{"sub": "x"}', None),
        (b'{"exp": "soon"}', None),
        (b"[1]", None),
        (b"\xff", None),
    ],
    ids=["has one", "has none", "no number", "no claims", "no JSON"],
)
def test_the_end_of_a_token_is_read_where_it_says_one(claims: bytes, wanted: datetime | None) -> None:
    body = base64.urlsafe_b64encode(claims).decode().rstrip("=")
    assert expiry_of(f"head.{body}.signature") == wanted
    assert expiry_of("an-opaque-token") is None


async def test_a_session_changes_things_only_from_our_own_pages(services: Services, anyone: httpx.AsyncClient) -> None:
    bearer = {"Authorization": f"Bearer {token(services, 'admin')}"}
    await anyone.get((await anyone.post("/v1/session/link", headers=bearer)).json()["path"])
    foreign = await anyone.post(CAPTURES, json=capture(), headers={"Origin": "https://server:8080"})
    assert foreign.status_code == 403
    assert (await anyone.post(CAPTURES, json=capture())).status_code == 403
    own = await anyone.post(CAPTURES, json=capture(), headers={"Origin": "https://server"})
    assert own.status_code == 201


async def test_documentation_needs_nothing_from_elsewhere(admin: httpx.AsyncClient) -> None:
    page = (await admin.get("/v1/docs")).text
    assert "<h1>" in page
    assert "http" not in page.replace("HTTP", "")
    assert (await admin.get("/v1/openapi.json")).json()["info"]["title"] == "Kodkod"


async def test_secrets_leave_no_content_on_record(services: Services, anyone: httpx.AsyncClient) -> None:
    lab = {"Authorization": f"Bearer {token(services, 'lab')}"}
    secret = {"metadata": {"name": "s"}, "data": {"password": "aHVudGVyMg=="}}
    assert (await anyone.post("/api/v1/namespaces/default/secrets", json=secret, headers=lab)).status_code == 201
    assert "aHVudGVyMg" not in str(services.audit.held)  # type: ignore[attr-defined]


async def test_both_groups_are_judged_and_served_apart(admin: httpx.AsyncClient) -> None:
    await admin.post(CAPTURES, json=capture())
    other = await admin.get("/apis/crd.projectcalico.org/v1/namespaces/default/packetcaptures/c")
    assert other.json()["apiVersion"] == "crd.projectcalico.org/v1"
