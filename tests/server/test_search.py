"""Does `_search` answer what curl and Kibana's users ask, and refuse the rest by name?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kodkod.access import Caller
from kodkod.access import Request as Right
from kodkod.access.callers import ADMIN
from kodkod.events import Event, Events, Triage
from kodkod.logs.stores.memory import MemoryLogStore
from kodkod.server import search
from kodkod.server.facts import Facts
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.clock import SimulatedClock

INDEX = "/tigera_secure_ee_events*/_search"


class Everybody:
    """Lets everyone do everything, and forgets it."""

    async def refusal(self, _caller: Caller, _right: Right) -> str | None:
        return None

    async def allows(self, _caller: Caller, _right: Right) -> bool:
        return True

    def write(self, record: dict[str, Any]) -> None:
        """An audit record."""


@dataclass(frozen=True, slots=True)
class Searched:
    client: httpx.AsyncClient
    now: int

    async def ids(self, body: dict[str, Any] | None = None, **parameters: Any) -> list[str]:
        answer = await self.client.request("POST" if body else "GET", INDEX, json=body, params=parameters)
        assert answer.status_code == 200, answer.text
        hits = answer.json()["hits"]
        assert hits["total"]["value"] >= len(hits["hits"])
        return [hit["_id"] for hit in hits["hits"]]

    async def refusal(self, body: dict[str, Any] | None = None, **parameters: Any) -> str:
        answer = await self.client.request("POST" if body else "GET", INDEX, json=body, params=parameters)
        assert answer.status_code == 400, answer.text
        told: dict[str, Any] = answer.json()
        assert told["status"] == 400
        assert told["error"]["root_cause"][0]["type"] == told["error"]["type"]
        return str(told["error"]["reason"])


def event(event_id: str, time: int, **fields: Any) -> Event:
    made = {"type": "global_alert", "origin": "a", "description": "d", "severity": 50}
    return Event(id=event_id, time=time, **{**made, **fields})


@pytest.fixture
async def searched() -> AsyncIterator[Searched]:
    clock, logs = SimulatedClock(), MemoryLogStore()
    resources = EmbeddedResources(MEMORY, clock)
    await resources.open()
    events = Events(logs, await Triage.open(None), list)
    everybody = Everybody()
    facts = Facts(logs, events, resources, everybody, clock, everybody)  # type: ignore[arg-type]  # two methods of it
    routes = [Route(path, handler, methods=list(methods)) for path, methods, handler in search.routes(facts)]
    app = Starlette(routes=routes)

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["caller"] = ADMIN
        await app(scope, receive, send)

    now = int(clock.now().timestamp())
    dpi = {
        "type": "deep_packet_inspection", "origin": "dpi.dev/x", "name": "Signature Triggered Alert", "severity": 100,
    }  # fmt: skip
    made = [
        event("new", now - 60, **dpi, description="Signature Triggered Alert: SERVER-IIS cmd.exe access (1:1002:7)",
              source_namespace="dev", record={"snort_signature_id": "1002"}),
        event("old", now - 7200, **{**dpi, "severity": 60}, description="Signature Triggered Alert: probe (1:2585:1)"),
        event("dns", now - 120, description="[dns] pod dev/centos attempted to access 'www.google.com'", severity=100),
        event("net", now - 180, description="change detected for globalnetworksets empty", dest_namespace="dev"),
    ]  # fmt: skip
    await events.write(made, arrival=clock.now())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="https://kodkod") as client:
        yield Searched(client, now)
    await events.close()
    await resources.close()


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("Signature", {"new", "old"}),
        ("type:deep_packet_inspection", {"new", "old"}),
        ("severity:>50 AND type:deep_packet_inspection", {"new", "old"}),
        ("severity:>60 AND type:deep_packet_inspection", {"new"}),
        ('"Signature Triggered Alert"', {"new", "old"}),
        ("goog*", {"dns"}),
        ("www.google.com", {"dns"}),
        ("1002", {"new"}),
        ("Signature NOT 1002", {"old"}),
        ("time:[now-1h TO now]", {"new", "dns", "net"}),
        ("type:deep_packet_inspection AND time:>now-1h", {"new"}),
        ("origin:dpi.*", {"new", "old"}),
        # Our own language, where one of its operators says so.
        ('origin = "dpi.dev/x" AND severity > 90', {"new"}),
        ('origin IN {"dpi.*"}', {"new", "old"}),
        ("type!=deep_packet_inspection", {"dns", "net"}),
        ('"a = b"', set()),
    ],
)
async def test_what_people_type_into_q(searched: Searched, q: str, ids: set[str]) -> None:
    assert set(await searched.ids(q=q, size=50)) == ids
    assert set(await searched.ids({"query": {"query_string": {"query": q}}, "size": 50})) == ids


async def test_q_has_the_parameters_of_its_own(searched: Searched) -> None:
    assert await searched.ids(q="google change", default_operator="AND") == []
    assert set(await searched.ids(q="google change")) == {"dns", "net"}
    assert await searched.ids(q="dev", df="dest_namespace") == ["net"]
    string = {"query": "dev", "fields": ["source_namespace^2"], "default_operator": "and", "lenient": True}
    assert await searched.ids({"query": {"query_string": string}}) == ["new"]


@pytest.mark.parametrize(
    ("clause", "ids"),
    [
        ({"match_none": {}}, set()),
        ({"match": {"description": "google networksets globalnetworksets"}}, {"dns", "net"}),
        ({"match": {"description": {"query": "pod centos", "operator": "and"}}}, {"dns"}),
        ({"match": {"type": "global_alert"}}, {"dns", "net"}),
        ({"match_phrase": {"description": "cmd.exe access"}}, {"new"}),
        ({"multi_match": {"query": "signature triggered", "type": "phrase", "lenient": True}}, {"new", "old"}),
        ({"multi_match": {"query": "1002 2585", "fields": ["description"]}}, {"new", "old"}),
        ({"prefix": {"origin": "dpi."}}, {"new", "old"}),
        ({"wildcard": {"origin": {"value": "dpi.*/?"}}}, {"new", "old"}),
        ({"wildcard": {"name": "Sig*"}}, {"new", "old"}),
        ({"term": {"name.keyword": "Signature Triggered Alert"}}, {"new", "old"}),
        ({"terms": {"_id": ["new", "net"]}}, {"new", "net"}),
        ({"ids": {"values": ["dns", "never"]}}, {"dns"}),
        ({"exists": {"field": "dest_namespace"}}, {"net"}),
        ({"range": {"severity": {"gt": 50, "lte": 60}}}, {"old"}),
        ({"range": {"time": {"gte": "now-1h", "lt": "now-90s"}}}, {"dns", "net"}),
        ({"range": {"@timestamp": {"gte": "now-1d", "time_zone": "UTC"}}}, {"new", "old", "dns", "net"}),
        ({"constant_score": {"filter": {"term": {"severity": 60}}, "boost": 2}}, {"old"}),
        ({"bool": {"should": [{"term": {"_id": "dns"}}], "must_not": [{"term": {"severity": 50}}]}}, {"dns"}),
        ({"bool": {"should": [{"term": {"_id": "dns"}}], "filter": [{"match_all": {}}]}}, {"new", "old", "dns", "net"}),
        (
            {"bool": {"should": [{"term": {"_id": "dns"}}], "filter": [], "minimum_should_match": 1}},
            {"dns"},
        ),
    ],
)  # fmt: skip
async def test_clauses(searched: Searched, clause: dict[str, Any], ids: set[str]) -> None:
    assert set(await searched.ids({"query": clause, "size": 50})) == ids


async def test_an_epoch_in_milliseconds_is_what_kibana_sends(searched: Searched) -> None:
    since = {"gte": (searched.now - 150) * 1000, "format": "strict_date_optional_time||epoch_millis"}
    assert set(await searched.ids({"query": {"range": {"@timestamp": since}}})) == {"new", "dns"}


async def test_several_keys_sort_in_turn(searched: Searched) -> None:
    keys = [{"severity": {"order": "desc", "unmapped_type": "long"}}, {"time": "asc"}]
    assert await searched.ids({"sort": keys}) == ["dns", "new", "old", "net"]
    assert await searched.ids(sort="severity:desc,time:desc") == ["new", "dns", "old", "net"]
    assert await searched.ids({"sort": ["severity", "time"]}) == ["net", "old", "dns", "new"]
    assert await searched.ids({"sort": keys, "from": 1, "size": 2}) == ["new", "old"]
    assert await searched.ids({"sort": "_doc", "size": 1}) == ["new"]


async def test_a_source_can_be_picked_from(searched: Searched) -> None:
    async def source(body: dict[str, Any] | None = None, **parameters: str) -> dict[str, Any]:
        question = {"query": {"term": {"_id": "new"}}, **(body or {})}
        answer = await searched.client.post(INDEX, json=question, params=parameters)
        return dict(answer.json()["hits"]["hits"][0]["_source"])

    assert await source({"_source": False}) == {}
    assert await source({"_source": ["severity", "record.snort*"]}) == {
        "severity": 100, "record": {"snort_signature_id": "1002"},
    }  # fmt: skip
    assert "record" not in await source({"_source": {"excludes": ["rec*"]}})
    assert await source(_source="type") == {"type": "deep_packet_inspection"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"aggs": {}}, "not supported: aggs"),
        ({"post_filter": {}, "min_score": 1}, "not supported: min_score, post_filter"),
        ({"query": {"fuzzy": {"a": 1}}}, "clause [fuzzy] is not supported (hint: use bool, constant_score, match_all"),
        ({"query": {"regexp": {"name": "s.*"}}}, "clause [regexp] is not supported"),
        ({"query": {"match": {"name": {"query": "a", "fuzziness": 1}}}}, "not supported in match: fuzziness"),
        ({"query": {"bool": {"minimum_should_match": 2}}}, "minimum_should_match 2"),
        ({"query": {"bool": {"minimum_should_match": "75%"}}}, "minimum_should_match '75%'"),
        ({"query": {"range": {"time": {"gte": "now-1x"}}}}, 'a date expected for "time", not "now-1x"'),
        ({"query": {"range": {"time": {"gte": "now", "time_zone": "+01:00"}}}}, "time_zone '+01:00'"),
        ({"query": {"range": {"name": {"gte": 5}}}}, "not allowed for keyword"),
        ({"query": {"term": {"nam": "x"}}}, 'unknown field "nam"'),
        ({"query": {"exists": {"field": "rec*"}}}, "unknown field"),
        ({"query": {"wildcard": {"na*": "x"}}}, "patterns of field names"),
        ({"query": {"query_string": {"query": "a~1"}}}, "fuzzy words and distances are not supported at column 2"),
        ({"query": {"query_string": {"query": "a", "phrase_slop": 1}}}, "not supported in query_string: phrase_slop"),
        ({"query": {"query_string": {"query": "severity==5"}}}, '"==" is no operator at column 9 (hint: write "="'),
        ({"query": {"multi_match": {"query": "a", "type": "cross_fields"}}}, "type 'cross_fields'"),
        ({"sort": [{"time": {"order": "up"}}]}, "asc or desc, not 'up'"),
        ({"sort": [{"time": {"order": "asc", "mode": "max"}}]}, "not supported in sort: mode"),
        ({"sort": ["record.x"]}, "a record may hold several values"),
        ({"sort": ["nonsense"]}, "no such field"),
        ({"_source": 5}, "_source is true, false"),
        ({"query": {}, "size": "ten"}, "size is no number"),
    ],
)
async def test_what_is_not_done_is_refused_by_its_name(searched: Searched, body: dict[str, Any], said: str) -> None:
    assert said in await searched.refusal(body)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"scroll": "1m"}, "not supported: parameter scroll"),
        ({"filter_path": "hits"}, "not supported: parameter filter_path"),
        ({"q": "a", "default_operator": "XOR"}, "default_operator is AND or OR"),
        ({"size": "ten"}, "size is no number"),
        ({"sort": "time:up"}, "asc or desc"),
        ({"q": "time:soon"}, "a date expected"),
    ],
)
async def test_parameters_are_refused_by_their_name(searched: Searched, parameters: dict[str, Any], said: str) -> None:
    assert said in await searched.refusal(**parameters)


async def test_a_body_that_is_not_json_is_refused_with_its_place(searched: Searched) -> None:
    answer = await searched.client.post(INDEX, content=b'{"query": {,}}')
    assert (answer.status_code, "line 1 column 12" in answer.text) == (400, True)
    deep = b'{"query":' + b'{"bool":{"must":' * 5_000 + b"{}" + b"}}" * 5_000 + b"}"
    assert (await searched.client.post(INDEX, content=deep)).status_code == 400
    deep = b'{"query":' + b'{"bool":{"must":' * 100 + b'{"match_all":{}}' + b"}}" * 100 + b"}"
    answer = await searched.client.post(INDEX, content=deep)
    assert (answer.status_code, "nest deeper than 20" in answer.text) == (400, True)
