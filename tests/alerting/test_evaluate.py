"""What events does an alert write for given records? The run vectors of alerts-and-logs 10.3, on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kodkod.alerting import evaluate
from kodkod.alerting.rule import rule_of
from kodkod.events import Event
from kodkod.logs.store import Axis, LogStore, Window
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.logs.stores.memory import MemoryLogStore

from .alerts import (
    DOMAIN_SET,
    EXAMPLE_FLOWS,
    GLOBALNETWORKSET,
    LATERAL_ACCESS,
    PROCESS_SET,
    SUSPICIOUS_PROCESS,
    UNSANCTIONED_DNS,
    WAF_NEW,
    alert,
    spec,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WINDOW = Window(NOW.timestamp() - 60, NOW.timestamp() + 60, Axis.ARRIVAL)


@pytest.fixture(params=["memory", "duckdb"])
async def logs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[LogStore]:
    store: LogStore = MemoryLogStore() if request.param == "memory" else await DuckdbLogStore.open(tmp_path)
    yield store
    await store.close()


async def found(logs: LogStore, made: dict[str, Any], records: list[dict[str, Any]]) -> list[Event]:
    rule = rule_of(alert("a", made))
    if rule.dataset.has_data:
        await logs.append(rule.dataset.name, records, arrival=NOW)
    return [evaluate.event(rule, row, WINDOW) async for row in evaluate.rows(rule, logs, WINDOW)]


def change(verb: str, name: str) -> dict[str, Any]:
    return {"verb": verb, "objectRef": {"resource": "globalnetworksets", "name": name}, "sourceIPs": ["10.0.0.1"]}


async def test_changes_of_network_sets_give_an_event_each(logs: LogStore) -> None:
    changes = [change("create", "empty-networkset"), change("patch", "external-apis"), change("get", "other")]
    events = await found(logs, GLOBALNETWORKSET, changes)
    assert [event.record for event in events] == [
        {"count": 1, "objectRef.name": name, "objectRef.resource": "globalnetworksets"}
        for name in ("empty-networkset", "external-apis")
    ]
    start = "[audit] [privileged access] change detected for globalnetworksets"
    assert [event.description for event in events] == [f"{start} empty-networkset", f"{start} external-apis"]
    assert (events[0].dest_name, events[0].severity, events[0].type) == ("empty-networkset", 100, "global_alert")


def lookup(qname: str, qtype: str = "A") -> dict[str, Any]:
    return {"client_namespace": "dev", "client_name_aggr": "centos", "qname": qname, "qtype": qtype, "count": 1}


async def test_lookups_of_two_names_give_two_events(logs: LogStore) -> None:
    names = [lookup("google.com"), lookup("google.com", "AAAA"), lookup("www.google.com"), lookup("example.com")]
    events = await found(logs, UNSANCTIONED_DNS, names)
    assert [(event.record["qname"], event.record["count"]) for event in events] == [
        ("google.com", 2),
        ("www.google.com", 1),
    ]
    assert events[0].description == "[dns] pod dev/centos attempted to access 'google.com'"
    assert (events[0].source_namespace, events[0].source_name_aggr) == ("dev", "centos")


def flow(reporter: str, action: str = "allow", num_flows: int = 2) -> dict[str, Any]:
    return {
        "source_namespace": "default", "source_name_aggr": "loadgenerator-6958f5bc8b-*", "dest_namespace": "dev",
        "dest_name_aggr": "dev-nginx-754f647b8b-*", "dest_labels": {"labels": ["app=nginx", "security=strict"]},
        "proto": "tcp", "action": action, "reporter": reporter, "num_flows": num_flows,
    }  # fmt: skip


async def test_lateral_access_seen_at_both_ends_sums_both(logs: LogStore) -> None:
    (event,) = await found(logs, LATERAL_ACCESS, [flow("src"), flow("dst")])
    assert event.record == {
        "dest_name_aggr": "dev-nginx-754f647b8b-*",
        "dest_namespace": "dev",
        "source_name_aggr": "loadgenerator-6958f5bc8b-*",
        "source_namespace": "default",
        "sum": 4,
    }
    assert list(event.record) == sorted(event.record)
    assert event.description.endswith("has accessed dev/dev-nginx-754f647b8b-* with label security=strict")
    assert (event.dest_namespace, event.source_name_aggr) == ("dev", "loadgenerator-6958f5bc8b-*")


async def test_lateral_access_denied_at_the_source_counts_once(logs: LogStore) -> None:
    (event,) = await found(logs, LATERAL_ACCESS, [flow("src", "deny", 1), flow("dst", "deny", 1)])
    assert event.record["sum"] == 1


@pytest.mark.parametrize(("records", "events"), [(100, 0), (101, 1)])
async def test_the_threshold_is_exact(logs: LogStore, records: int, events: int) -> None:
    written = await found(logs, EXAMPLE_FLOWS, [flow("src") for _ in range(records)])
    assert [event.description for event in written] == ["Flows example 101 > 100"] * events
    assert [event.record for event in written] == [{"count": 101}] * events


async def test_an_unconditional_alert_writes_whole_records(logs: LogStore) -> None:
    names = ["python3", "/app/checkoutservice", "nginx"]
    flows = [{**flow("src"), "process_name": name, "dest_port": 80} for name in names]
    events = await found(logs, PROCESS_SET, flows)
    assert [event.record for event in events] == [dict(sorted(one.items())) for one in flows[:2]]
    assert events[0].dest_port == 80
    assert len({event.id for event in events}) == 2


async def test_substitutions_hold_wildcards(logs: LogStore) -> None:
    names = ["a.svc.cluster.local", "x.mydomain.com", "xy.mydomain.com"]
    (event,) = await found(logs, DOMAIN_SET, [lookup(name) for name in names])
    assert event.record["qname"] == "xy.mydomain.com"


async def test_groups_by_arrays_have_a_row_for_each_element_and_null_groups_stay(logs: LogStore) -> None:
    wget = {**flow("src"), "source_namespace": "testing", "process_name": "wget", "process_args": ["-q", "x"]}
    bare = {"source_namespace": "testing", "process_name": "sh"}
    events = await found(logs, SUSPICIOUS_PROCESS, [wget, bare])
    assert [(event.record["process_name"], event.record["process_args"]) for event in events] == [
        ("wget", "-q"),
        ("wget", "x"),
        ("sh", None),
    ]


async def test_silence_can_be_an_alert(logs: LogStore) -> None:
    silent = spec(dataSet="flows", metric="count", condition="lt", threshold=1, summary="${count} flows")
    (event,) = await found(logs, silent, [])
    assert event.description == "0 flows"


async def test_groups_of_nulls_alone_have_no_row_and_averages_show_their_fraction(logs: LogStore) -> None:
    average = spec(
        dataSet="flows", metric="avg", field="num_flows", condition="gt", threshold=0,
        aggregateBy=["source_namespace"], summary="${source_namespace} ${avg}",
    )  # fmt: skip
    flows = [{"source_namespace": "a", "num_flows": 3}, {"source_namespace": "a", "num_flows": 4}]
    events = await found(logs, average, [*flows, {"source_namespace": "b"}, {"num_flows": 1}])
    assert [event.description for event in events] == ["a 3.5", "- 1"]


async def test_data_sets_without_data_run_on_nothing(logs: LogStore) -> None:
    assert await found(logs, WAF_NEW, []) == []
