"""Flow records of a simulated node, at the configured pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.links import LinkTable
from kodkod.endpoints.netlink import Link
from kodkod.endpoints.parties import Parties
from kodkod.flowlogs.node import FlowNode, Settings, read_settings
from kodkod.testing.node import Network, tcp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEB = Endpoint("dev", "web", "node01", "cali1", ips=("10.0.0.2",), link=1)
LINKS = LinkTable(links={"cali1": Link(1, "cali1", "veth"), "eth0": Link(2, "eth0")})


def test_records_come_once_an_interval_and_only_if_something_flowed() -> None:
    network = Network()
    network.add("cali1", "eth0")
    node = FlowNode("node01", network.open_live())
    parties, settings = Parties(Index([WEB])), Settings(flow_flush_s=10, dns_flush_s=10)

    def turn(after_s: float) -> list[dict[str, object]]:
        return node.turn(parties, settings, NOW + timedelta(seconds=after_s), wait_s=0).get("flows", [])

    node.reconcile([WEB], NOW, links=LINKS)
    assert turn(0) == []
    network.deliver("cali1", tcp("10.0.0.1", 40000, "10.0.0.2", 80, b"hello"), 1)
    network.deliver("eth0", tcp("10.0.0.1", 40000, "10.0.0.2", 80, b"hello"), 1)  # the node's own
    assert turn(5) == []
    (record,) = turn(10)
    assert (record["reporter"], record["dest_name"], record["packets_in"]) == ("dst", "web", 1)
    assert turn(20) == []
    assert node.totals() == (1, {})
    assert node.interfaces == 1


def test_a_pods_first_packet_is_recorded_though_nobody_knew_the_pod() -> None:
    network = Network()
    network.add("cali1")
    node = FlowNode("node01", network.open_live())
    node.reconcile([], NOW)
    network.deliver("cali1", tcp("10.0.0.2", 40000, "10.0.0.1", 80, b"hello"), 1)
    at = NOW + timedelta(seconds=10)
    assert node.turn(Parties(Index()), Settings(), NOW, wait_s=0) == {}
    assert node.turn(Parties(Index()), Settings(), at, wait_s=0) == {}
    node.reconcile([WEB], at, links=LINKS)
    due = node.turn(Parties(Index([WEB])), Settings(), at + timedelta(seconds=10), wait_s=0)
    assert [(one["reporter"], one["source_name"]) for one in due["flows"]] == [("src", "web")]


def test_a_named_namespace_has_a_ring_of_its_own() -> None:
    network = Network()
    network.add("eth0")
    live = network.open_live()
    node = FlowNode("node01", live)
    inside = Endpoint("lab", "blue", "node01", "eth0", netns="blue")
    node.reconcile([inside], NOW)
    assert [tag for tag in live.attached if tag >= 1 << 24] == [1 << 24]
    assert node.interfaces == 1


class Deaf:
    """No socket is to be had at first."""

    def __init__(self) -> None:
        self.tried = 0

    def attach_all(self, **_: object) -> None:
        self.tried += 1
        if self.tried == 1:
            raise PermissionError(1, "Operation not permitted")

    def counters(self) -> dict[int, object]:
        return {0: {"packets": 0, "bytes": 0, "drops": {}, "error": "Network is down" if self.tried == 2 else None}}

    def detach(self, tag: int) -> None:
        assert tag == 0


def test_a_socket_that_is_not_to_be_had_or_breaks_is_tried_again() -> None:
    live = Deaf()
    node = FlowNode("node01", live)  # type: ignore[arg-type]
    for after_s, tried in ((0, 1), (1, 1), (6, 2), (7, 3), (8, 3)):
        node.reconcile([WEB], NOW + timedelta(seconds=after_s), links=LINKS)
        assert live.tried == tried
    assert node.interfaces == 1


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
