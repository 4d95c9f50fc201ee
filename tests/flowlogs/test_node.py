"""Flow records of a simulated node, at the configured pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties
from kodkod.flowlogs.node import FlowNode, Settings, read_settings
from kodkod.testing.node import Network, tcp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEB = Endpoint("dev", "web", "node01", "cali1", ips=("10.0.0.2",))


def test_records_come_once_an_interval_and_only_if_something_flowed() -> None:
    network = Network()
    network.add("cali1")
    node = FlowNode("node01", network.open_live(), link=network.index)
    parties, settings = Parties(Index([WEB])), Settings(flow_flush_s=10, dns_flush_s=10)

    def turn(after_s: float) -> list[dict[str, object]]:
        return node.turn(parties, settings, NOW + timedelta(seconds=after_s), wait_s=0).get("flows", [])

    node.reconcile([WEB], NOW)
    assert turn(0) == []
    network.deliver("cali1", tcp("10.0.0.1", 40000, "10.0.0.2", 80, b"hello"), 1)
    assert turn(5) == []
    (record,) = turn(10)
    assert (record["reporter"], record["dest_name"], record["packets_in"]) == ("dst", "web", 1)
    assert turn(20) == []
    assert node.totals() == (1, {})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, Settings()),
        ({"flowLogsFlushInterval": "30s", "dnsLogsFlushInterval": "1m"}, Settings(30, 60)),
        ({"flowLogsFlushInterval": "soon", "flowLogsFileAggregationKindForAllowed": 0}, Settings(level=0)),
    ],
)
def test_settings_are_read_with_defaults_for_nonsense(spec: dict[str, object], expected: Settings) -> None:
    assert read_settings([{"metadata": {"name": "default"}, "spec": spec}], node="node01") == expected


def test_a_nodes_own_settings_win() -> None:
    configurations = [
        {"metadata": {"name": "node.node01"}, "spec": {"flowLogsFlushInterval": "7s"}},
        {"metadata": {"name": "default"}, "spec": {"flowLogsFlushInterval": "30s"}},
    ]
    assert read_settings(configurations, node="node01").flow_flush_s == 7
