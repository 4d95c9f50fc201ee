"""Engine facts as records of the data sets, seen from each reporting end."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties
from kodkod.flowlogs.records import Interval, Record, dns_records, flow_records

CLIENT = Endpoint("dev", "curl", "node01", "cali1", ips=("10.0.0.1",), own_labels={"app": "curl"})
SERVER = Endpoint("dev", "web-1", "node01", "cali2", ips=("10.0.0.2",), generate_name="web-")
BY_TAG = {1: CLIENT, 2: SERVER}
PARTIES = Parties(
    Index([CLIENT, SERVER]),
    services=[
        {
            "metadata": {"name": "web", "namespace": "dev"},
            "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 80, "name": "http"}]},
        }
    ],
)
INTERVAL = Interval(100, 110)


def flow(**changes: Any) -> Any:
    return {
        "tag": 1,
        "flow_id": 1,
        "community_id": "1:abc",
        "start_ns": 0,
        "end_ns": 1,
        "proto": 6,
        "client_ip": "10.0.0.1",
        "client_port": 40000,
        "server_ip": "10.0.0.2",
        "server_port": 8080,
        "packets_to_server": 5,
        "packets_to_client": 4,
        "bytes_to_server": 388,
        "bytes_to_client": 1113,
        "started": True,
        "ended": True,
        "service": "http",
        **changes,
    }


def records(*flows: Any, level: int = 1) -> list[Record]:
    seen = [(BY_TAG[one["tag"]], one) for one in flows]
    return flow_records(cast(Any, seen), PARTIES, host="node01", interval=INTERVAL, level=level)


def test_a_connection_between_pods_gives_two_records_each_from_its_own_view() -> None:
    source, dest = records(flow(tag=1), flow(tag=2))
    assert (source["reporter"], source["bytes_in"], source["bytes_out"]) == ("src", 1113, 388)
    assert (dest["reporter"], dest["bytes_in"], dest["bytes_out"]) == ("dst", 388, 1113)
    assert source["source_name"] == dest["source_name"] == "curl"
    assert (dest["dest_name"], dest["dest_name_aggr"], dest["dest_namespace"]) == ("web-1", "web-*", "dev")
    assert (dest["dest_type"], dest["action"], dest["proto"]) == ("wep", "allow", "tcp")
    assert (dest["num_flows"], dest["num_flows_started"], dest["num_flows_completed"]) == (1, 1, 1)
    assert (dest["start_time"], dest["end_time"]) == (100, 110)
    assert source["source_labels"] == {"labels": ["app=curl"]}


@pytest.mark.parametrize(
    ("level", "count"), [pytest.param(0, 2, id="5-tuple"), pytest.param(1, 1, id="no-source-port")]
)
def test_flows_of_one_key_are_folded(level: int, count: int) -> None:
    found = records(flow(flow_id=1, client_port=1), flow(flow_id=2, client_port=2), level=level)
    assert len(found) == count
    assert sum(record["num_flows"] for record in found) == 2
    assert sum(record["packets_out"] for record in found) == 10


def test_two_reports_of_one_flow_are_one_flow() -> None:
    (record,) = records(flow(ended=False), flow(started=False))
    assert (record["num_flows"], record["num_flows_started"], record["num_flows_completed"]) == (1, 1, 1)


def test_higher_levels_drop_names_and_ports() -> None:
    (record,) = records(flow(), level=3)
    assert record["source_ip"] is record["dest_ip"] is record["dest_port"] is None
    assert record["source_name"] == "-"
    assert record["dest_name_aggr"] == "web-*"


def test_the_service_is_named_where_the_client_still_sees_its_address() -> None:
    (record,) = records(flow(server_ip="10.96.0.1", server_port=80))
    assert (record["dest_service_name"], record["dest_service_namespace"]) == ("web", "dev")
    assert (record["dest_service_port"], record["dest_service_port_num"]) == ("http", 80)
    (unknown,) = records(flow())
    assert (unknown["dest_service_name"], unknown["dest_service_port_num"]) == ("-", None)


def exchange(**changes: Any) -> Any:
    return {
        "tag": 1,
        "ts_ns": 0,
        "client_ip": "10.0.0.1",
        "client_port": 5000,
        "server_ip": "10.96.0.10",
        "server_port": 53,
        "qname": "google.com",
        "qtype": "A",
        "qclass": "IN",
        "rcode": "NoError",
        "rrsets": [{"name": "google.com", "type": "A", "cls": "IN", "rdata": ["142.250.1.1"]}],
        "latency_ns": 1000,
        **changes,
    }


def lookups(*exchanges: Any) -> list[Record]:
    seen = [(BY_TAG[one["tag"]], one) for one in exchanges]
    return dns_records(cast(Any, seen), PARTIES, host="node01", interval=INTERVAL)


def test_equal_lookups_are_counted_with_their_latencies() -> None:
    (record,) = lookups(exchange(), exchange(latency_ns=3000), exchange(latency_ns=None))
    assert (record["count"], record["latency_count"], record["latency_mean"], record["latency_max"]) == (
        3,
        2,
        2000,
        3000,
    )
    assert record["client_name"] == "curl"
    assert record["rrsets"] == [{"name": "google.com", "type": "A", "class": "IN", "rdata": ["142.250.1.1"]}]
    assert record["servers"][0]["name_aggr"] == "pvt"
    assert "_latency_total" not in record


def test_the_servers_end_does_not_repeat_a_lookup() -> None:
    assert lookups(exchange(tag=2)) == []
