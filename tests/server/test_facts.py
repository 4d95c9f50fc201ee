"""What do the routes over logs and events answer, and to whom?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from kodkod.access import Caller, RoleAuthorizer, bootstrap
from kodkod.access.callers import ADMIN, VIEWER, node_caller
from kodkod.events import Event, Events, Triage
from kodkod.logs.datasets import FLOWS
from kodkod.logs.stores.memory import MemoryLogStore
from kodkod.resources.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, NAMESPACE, ROLE, ROLE_BINDING
from kodkod.server import alerts, ingest, live, records, search
from kodkod.server.facts import Facts
from kodkod.server.live import Hints
from kodkod.store.embedded import EmbeddedResources
from kodkod.testing.clock import SimulatedClock

TENANT = Caller("tenant", ("system:authenticated",))
NOBODY = Caller("nobody", ("system:authenticated",))
CALLERS = {one.name: one for one in (ADMIN, VIEWER, TENANT, NOBODY, node_caller("node1"))}
API = "rbac.authorization.k8s.io/v1"


class Doorman:
    """Stands in for the door: the header says who is calling."""

    def __init__(self, app: Starlette) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"])[b"x-caller"].decode()
        scope.setdefault("state", {})["caller"] = CALLERS[name]
        await self._app(scope, receive, send)


class House:
    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.resources = EmbeddedResources(":memory:", self.clock)
        self.logs = MemoryLogStore()
        self.audited: list[dict[str, Any]] = []

    def write(self, record: dict[str, Any]) -> None:
        self.audited.append(record)

    async def start(self) -> None:
        await self.resources.open()
        for name in ("dev", "uat"):
            await self.resources.create(NAMESPACE, {"metadata": {"name": name}})
        for role in bootstrap.roles():
            await self.resources.create(CLUSTER_ROLE, role)
        for binding in bootstrap.bindings():
            await self.resources.create(CLUSTER_ROLE_BINDING, binding)
        rules = [{"apiGroups": ["kodkod.dev"], "resources": ["events", "logs"], "verbs": ["get"]}]
        await self.resources.create(ROLE, {"metadata": {"name": "reader", "namespace": "dev"}, "rules": rules}, "dev")
        binding = {
            "metadata": {"name": "reader", "namespace": "dev"},
            "roleRef": {"apiGroup": API.split("/")[0], "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "User", "name": "tenant", "apiGroup": API.split("/")[0]}],
        }
        await self.resources.create(ROLE_BINDING, binding, "dev")
        self.events = Events(self.logs, await Triage.open(None), list)
        self.facts = Facts(self.logs, self.events, self.resources, RoleAuthorizer(self.resources), self.clock, self)
        self.hints = Hints(self.resources, [], self.events)
        v1 = FastAPI()
        for one in (records, ingest, alerts):
            v1.include_router(one.router(self.facts))
        v1.include_router(live.router(self.hints))
        routes = [Route(path, handler, methods=list(methods)) for path, methods, handler in search.routes(self.facts)]
        transport = httpx.ASGITransport(app=Doorman(Starlette(routes=[*routes, Mount("/v1", v1)])))
        self.client = httpx.AsyncClient(transport=transport, base_url="https://kodkod")

    async def ask(self, who: Caller, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"X-Caller": who.name, **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def ids(self, who: Caller, path: str = "/v1/events", **parameters: Any) -> set[str]:
        answer = await self.ask(who, "GET", path, params=parameters)
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["items"])
        return {one["id"] for one in answer.json()["items"]}


def event(event_id: str, time: int = 100, **fields: Any) -> Event:
    made = {"time": time, "type": "global_alert", "origin": "a", "description": "d", "severity": 50}
    return Event(id=event_id, **{**made, **fields})


EVENTS = [
    event("dev", 100, source_namespace="dev", severity=95),
    event("uat", 200, source_namespace="uat", dest_namespace="uat", record={"secret": "s3cret"}),
    event("cluster", 300),
    # A DPI event of uat's object quotes uat's packets, though dev's pod was the other end.
    event("dpi-uat", 400, type="deep_packet_inspection", origin="dpi.uat/x", source_namespace="dev"),
    event("dpi-dev", 500, type="deep_packet_inspection", origin="dpi.dev/x", dest_namespace="uat"),
]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    await made.start()
    await made.events.write(EVENTS, arrival=made.clock.now())
    yield made
    await made.client.aclose()
    await made.events.close()
    await made.resources.close()


# --- whose records -------------------------------------------------------------------------------------------------
TRICKS = [
    "",
    'source_namespace = "uat"',
    'NOT id = "dev"',
    'id = "uat" OR origin != "x"',
    'NOT (source_namespace = "dev" AND dest_namespace = "dev")',
    '"record.secret" IN {"*"} OR id IN {"*"}',
]


@pytest.mark.parametrize("query", TRICKS)
async def test_no_query_shows_a_tenant_anothers_events(house: House, query: str) -> None:
    own = {"dev", "dpi-dev"}
    asked = {"include_dismissed": True, "include_excepted": True, "sort": "severity"}
    assert await house.ids(TENANT, query=query, **asked) <= own
    assert await house.ids(VIEWER) == {one.id for one in EVENTS}
    body = {"selector": query, "include_excepted": True}
    found = (await house.ask(TENANT, "POST", "/v1/events/search", json=body)).json()
    assert {one["id"] for one in found["items"]} <= own
    stats = (await house.ask(TENANT, "POST", "/v1/events/stats", json=body)).json()
    assert stats["total"] == found["total"] <= 2
    assert "uat" not in str(stats["by_origin"])
    hits = await house.ask(TENANT, "POST", "/tigera_secure_ee_events*/_search", json={"query": {"match_all": {}}})
    assert {one["_id"] for one in hits.json()["hits"]["hits"]} == own
    logs = (await house.ask(TENANT, "GET", "/v1/logs/events", params={"query": query})).json()
    assert {one["id"] for one in logs["items"]} <= own


async def test_stats_count_only_the_parts_that_are_asked_for(house: House) -> None:
    stats = (await house.ask(VIEWER, "POST", "/v1/events/stats", json={"parts": ["type"]})).json()
    assert stats["total"] == sum(one["count"] for one in stats["by_type"]) == len(EVENTS)
    assert stats["by_origin"] == stats["by_day"] == []
    whole = (await house.ask(VIEWER, "POST", "/v1/events/stats", json={})).json()
    assert sum(one["count"] for one in whole["by_day"]) == len(EVENTS)


async def test_every_event_carries_the_word_for_its_type(house: House) -> None:
    known = (await house.ask(VIEWER, "GET", "/v1/events/types")).json()["items"]
    words = {name: one["label"] for one in known for name in one["types"]}
    shown = (await house.ask(VIEWER, "GET", "/v1/events")).json()["items"]
    assert all(one["type_label"] == words.get(one["type"], one["type"]) for one in shown)
    assert words["deep_packet_inspection"] == "Deep Packet Inspection"


async def test_a_tenant_cannot_open_anothers_event_by_its_id(house: House) -> None:
    assert (await house.ask(TENANT, "GET", "/v1/events/dev")).status_code == 200
    for hidden in ("uat", "cluster", "dpi-uat", "never-was"):
        answer = await house.ask(TENANT, "GET", f"/v1/events/{hidden}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_logs_and_previews_are_narrowed_too(house: House) -> None:
    flows = [
        {"source_namespace": "dev", "dest_namespace": "uat", "num_flows": 1},
        {"source_namespace": "uat", "dest_namespace": "uat", "num_flows": 1},
    ]
    await house.logs.append("flows", flows, arrival=house.clock.now())
    house.clock.advance(1)
    assert (await house.ask(TENANT, "GET", "/v1/logs/flows")).json()["total"] == 1
    assert (await house.ask(VIEWER, "GET", "/v1/logs/flows")).json()["total"] == 2
    spec = {"description": "d", "severity": 1, "dataSet": "flows", "metric": "count", "condition": "gt"}
    seen = [
        (await house.ask(who, "POST", "/v1/alerts/preview", json={"spec": spec})).json()["samples"][0]["record"]
        for who in (TENANT, VIEWER)
    ]
    assert seen == [{"count": 1}, {"count": 2}]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/events"), ("GET", "/v1/events/dev"), ("GET", "/v1/logs/flows"), ("POST", "/v1/events/stats"),
     ("POST", "/v1/events/search")],
)  # fmt: skip
async def test_without_a_right_there_is_a_refusal(house: House, method: str, path: str) -> None:
    answer = await house.ask(NOBODY, method, path, **({"json": {}} if method == "POST" else {}))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert (await house.ask(NOBODY, "GET", "/tigera_secure_ee_flows*/_search")).status_code == 403


async def test_reads_are_on_record_once_a_minute(house: House) -> None:
    for _ in range(3):
        await house.ask(VIEWER, "GET", "/v1/events/dev")
    assert [one["objectRef"]["name"] for one in house.audited] == ["dev"]
    house.clock.advance(61)
    await house.ask(VIEWER, "GET", "/v1/events/dev")
    assert [one["user"]["username"] for one in house.audited] == ["system:viewer"] * 2


# --- asking --------------------------------------------------------------------------------------------------------
async def test_pages_hang_together(house: House) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await house.ask(ADMIN, "GET", "/v1/events", params={"limit": 2, "cursor": cursor})).json()
        assert page["total"] == 5
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["dpi-dev", "dpi-uat", "cluster", "uat", "dev"]


async def test_from_is_inclusive_and_to_exclusive(house: House) -> None:
    found = await house.ids(ADMIN, **{"from": "1970-01-01T00:03:20Z", "to": "1970-01-01T00:06:40Z"})
    assert found == {"uat", "cluster"}


async def test_a_wrong_query_says_where_and_what_was_meant(house: House) -> None:
    answer = await house.ask(ADMIN, "GET", "/v1/events", params={"query": "origin==a"})
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "bad_query", "message": '"==" is no operator', "hint": 'write "=" to compare', "offset": 6,
    }  # fmt: skip
    for parameters, code in [
        ({"sort": "nonsense"}, 400), ({"cursor": "xx"}, 400), ({"limit": "9999"}, 422), ({"from": "soon"}, 422),
    ]:  # fmt: skip
        answer = await house.ask(ADMIN, "GET", "/v1/events", params=parameters)
        assert (answer.status_code, answer.json()["code"]) == (code, "bad_request")
    assert (await house.ask(ADMIN, "GET", "/v1/logs/nonsense")).status_code == 404


async def test_validation_is_an_answer(house: House) -> None:
    asked = {"query": "qname IN ${d} and rcode=servfail", "dataset": "dns", "substitutions": {"d": ["*.x"]}}
    answer = (await house.ask(NOBODY, "POST", "/v1/query/validate", json=asked)).json()
    assert (answer["valid"], answer["canonical"]) == (True, "qname IN ${d} AND rcode = servfail")
    answer = (await house.ask(NOBODY, "POST", "/v1/query/validate", json={"query": "qname=a"})).json()
    assert (answer["valid"], answer["offset"]) == (False, 0)


async def test_fields_are_told(house: House) -> None:
    items = (await house.ask(NOBODY, "GET", "/v1/datasets")).json()["items"]
    flows = next(one for one in items if one["name"] == "flows")
    assert {one["name"] for one in flows["fields"]} == {one.name for one in FLOWS.fields}
    assert next(one for one in flows["fields"] if one["name"] == "reporter")["values"] == ["src", "dst", "fwd"]


async def test_dismissing_needs_its_own_right_and_says_what_was_done(house: House) -> None:
    body = {"action": "dismiss", "ids": ["dev", "never-was"]}
    assert (await house.ask(VIEWER, "POST", "/v1/events/bulk", json=body)).status_code == 403
    answer = (await house.ask(ADMIN, "POST", "/v1/events/bulk", json=body)).json()
    assert answer["items"] == [{"id": "dev", "status": "done"}, {"id": "never-was", "status": "not_found"}]
    assert "dev" not in await house.ids(VIEWER)
    assert "dev" in await house.ids(VIEWER, include_dismissed=True)
    await house.ask(ADMIN, "POST", "/v1/events/bulk", json={"action": "restore", "selector": "dismissed = true"})
    assert "dev" in await house.ids(VIEWER)
    for wrong in ({"action": "dismiss"}, {"action": "dismiss", "ids": [], "selector": ""}):
        assert (await house.ask(ADMIN, "POST", "/v1/events/bulk", json=wrong)).status_code == 400


async def test_one_event_leads_on(house: House) -> None:
    found = (await house.ask(ADMIN, "GET", "/v1/events/dev")).json()
    assert found["links"]["alert"] == "/apis/projectcalico.org/v3/globalalerts/a"
    assert (found["type_label"], found["severity_label"]) == ("Global Alert", "Critical")


async def test_a_preview_writes_nothing_and_refuses_what_admission_would(house: House) -> None:
    bad = {"description": "d", "severity": 1, "dataSet": "dns", "query": "qnam=a"}
    answer = await house.ask(ADMIN, "POST", "/v1/alerts/preview", json={"spec": bad})
    assert (answer.status_code, "qnam" in answer.json()["message"]) == (422, True)
    good = {**bad, "query": "", "metric": "count", "condition": "gte", "threshold": 0}
    answer = (await house.ask(ADMIN, "POST", "/v1/alerts/preview", json={"spec": good})).json()
    assert (answer["events"], answer["is_complete"]) == (1, True)
    assert len(await house.ids(ADMIN)) == len(EVENTS)


# --- ingest --------------------------------------------------------------------------------------------------------
NODE = CALLERS["system:node:node1"]


async def sent(house: House, body: bytes, who: Caller = NODE, dataset: str = "flows", **headers: str) -> httpx.Response:
    return await house.ask(who, "POST", f"/v1/ingest/{dataset}", content=body, headers=headers)


async def test_agents_alone_deliver(house: House) -> None:
    for who in (TENANT, VIEWER, NOBODY):
        assert (await sent(house, b"{}", who)).status_code == 403


async def test_a_batch_sent_twice_is_stored_once(house: House) -> None:
    body = b'{"num_flows":1}\n\n{"num_flows":2,"host":"elsewhere"}\n'
    first = (await sent(house, body, **{"X-Batch-Id": "b1"})).json()
    again = (await sent(house, body, **{"X-Batch-Id": "b1"})).json()
    assert (first, again) == (
        {"accepted": 2, "new": 2, "skipped": {}},
        {"accepted": 2, "new": 0, "skipped": {}},
    )
    items = (await house.ask(VIEWER, "GET", "/v1/logs/flows")).json()["items"]
    assert [one["host"] for one in items] == ["node1", "node1"]


async def test_bad_lines_are_skipped_and_counted(house: House) -> None:
    answer = (await sent(house, b'{"num_flows":1}\nnonsense\n[1]\n')).json()
    assert answer == {"accepted": 1, "new": 1, "skipped": {"no_json": 1, "no_object": 1}}


@pytest.mark.parametrize("is_told", [True, False], ids=["content-length", "chunked"])
async def test_a_body_past_the_bound_is_refused(house: House, monkeypatch: pytest.MonkeyPatch, is_told: bool) -> None:
    monkeypatch.setattr(ingest, "BODY_BYTES_MAX", 100)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b'{"num_flows":1}\n'

    answer = await sent(house, b'{"num_flows":1}\n' * 20 if is_told else chunks())  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_an_event_delivered_twice_is_one_event(house: House) -> None:
    body = orjson.dumps(event("new").to_record())
    for batch in ("a", "b"):
        assert (await sent(house, body, dataset="events", **{"X-Batch-Id": batch})).status_code == 200
    assert len(await house.ids(VIEWER)) == len(EVENTS) + 1


async def test_unknown_and_empty_data_sets_are_refused(house: House) -> None:
    assert (await sent(house, b"{}", dataset="nonsense")).status_code == 404


# --- _search -------------------------------------------------------------------------------------------------------
async def hits(house: House, path: str, body: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    answer = await house.ask(VIEWER, "POST" if body is not None else "GET", path, json=body, params=parameters)
    return {"status": answer.status_code, **answer.json()}


@pytest.mark.parametrize(
    "index",
    ["tigera_secure_ee_events*", "tigera_secure_ee_events", "tigera_secure_ee_events.cluster",
     "tigera_secure_ee_events.x.y.lma"],
)  # fmt: skip
async def test_the_products_index_names_lead_to_events(house: House, index: str) -> None:
    found = await hits(house, f"/{index}/_search", q='origin = "dpi.dev/x"')
    assert found["hits"]["total"] == {"value": 1, "relation": "eq"}
    (hit,) = found["hits"]["hits"]
    assert (hit["_id"], hit["_index"], hit["_source"]["origin"]) == (
        "dpi-dev",
        "tigera_secure_ee_events.cluster",
        "dpi.dev/x",
    )


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"match_all": {}}, {"dev", "uat", "cluster", "dpi-uat", "dpi-dev"}),
        ({"query_string": {"query": "*"}}, {"dev", "uat", "cluster", "dpi-uat", "dpi-dev"}),
        ({"query_string": {"query": "severity > 90"}}, {"dev"}),
        ({"term": {"type": "deep_packet_inspection"}}, {"dpi-uat", "dpi-dev"}),
        ({"term": {"type.keyword": {"value": "deep_packet_inspection"}}}, {"dpi-uat", "dpi-dev"}),
        ({"terms": {"_id": ["dev", "uat"]}}, {"dev", "uat"}),
        ({"range": {"time": {"gte": 200, "lt": 400}}}, {"uat", "cluster"}),
        ({"range": {"@timestamp": {"gte": 400000, "format": "epoch_millis"}}}, {"dpi-uat", "dpi-dev"}),
        ({"exists": {"field": "dest_namespace"}}, {"uat", "dpi-dev"}),
        (
            {"bool": {"must": [{"term": {"severity": 50}}], "filter": {"range": {"time": {"lte": 300}}},
                      "must_not": [{"term": {"source_namespace": "uat"}}]}},
            {"cluster"},
        ),
        ({"bool": {"should": [{"term": {"_id": "dev"}}, {"term": {"_id": "uat"}}]}}, {"dev", "uat"}),
    ],
)  # fmt: skip
async def test_clauses(house: House, query: dict[str, Any], ids: set[str]) -> None:
    found = await hits(house, "/_search", {"query": query, "size": 50})
    assert {one["_id"] for one in found["hits"]["hits"]} == ids


async def test_sort_size_and_from(house: House) -> None:
    asked = {"sort": [{"time": {"order": "asc"}}], "size": 2, "from": 1}
    found = await hits(house, "/tigera_secure_ee_events*/_search", asked)
    assert [one["_id"] for one in found["hits"]["hits"]] == ["uat", "cluster"]
    assert found["hits"]["total"]["value"] == 5
    found = await hits(house, "/_search", sort="time:desc", size=1)
    assert [one["_id"] for one in found["hits"]["hits"]] == ["dpi-dev"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"query": {"fuzzy": {"a": 1}}}, "clause [fuzzy] is not supported"),
        ({"aggs": {}}, "not supported: aggs"),
        ({"query": {"bool": {"magic": []}}}, "not supported in bool: magic"),
        ({"query": {"range": {"time": {"gte": "soon"}}}}, "a date expected"),
        ({"query": {"query_string": {"query": "nonsense = 1"}}}, 'unknown field "nonsense"'),
        ({"size": 20_000}, "from + size"),
        ({"size": -1}, "size is no number"),
    ],
)
async def test_what_we_do_not_do_is_refused_by_name(house: House, body: dict[str, Any], named: str) -> None:
    found = await hits(house, "/tigera_secure_ee_events*/_search", body)
    assert found["status"] == 400
    assert named in found["error"]["reason"]


async def test_other_indices_are_not_there(house: House) -> None:
    assert (await hits(house, "/nonsense/_search"))["status"] == 404


# --- live ----------------------------------------------------------------------------------------------------------
async def test_new_events_are_hinted_together(house: House) -> None:
    stream = house.hints.stream()
    assert await anext(stream) == b": connected\n\n"
    await house.events.write([event("n1"), event("n2")], arrival=house.clock.now())
    await house.events.write([event("n2"), event("n3")], arrival=house.clock.now())
    async with asyncio.timeout(10):
        assert await anext(stream) == b'event: event\ndata: {"count":3}\n\n'
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_quiet_stream_is_kept_alive(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "KEEP_ALIVE_S", 0.01)
    stream = house.hints.stream()
    await anext(stream)
    assert await anext(stream) == b": keep-alive\n\n"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_the_openapi_names_what_the_client_is_made_from(house: House) -> None:
    told = (await house.ask(NOBODY, "GET", "/v1/openapi.json")).json()
    assert {"EventList", "EventDetail", "LogList", "Verdict", "Preview", "ProblemBody"} <= set(
        told["components"]["schemas"]
    )
    names = {one["name"] for one in told["paths"]["/events"]["get"]["parameters"]}
    assert names == {"query", "from", "to", "sort", "limit", "cursor", "include_dismissed", "include_excepted"}
