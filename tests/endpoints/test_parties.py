"""What logs call an address."""

from __future__ import annotations

from typing import Any

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties, Party


def network_set(name: str, *nets: str, namespace: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": {"zone": name}}, "spec": {"nets": list(nets)}}


POD = Endpoint(
    "dev",
    "web-1",
    "node01",
    "cali1",
    ips=("10.1.0.1",),
    labels={"app": "nginx", "pcns.team": "red"},
    own_labels={"app": "nginx"},
    generate_name="web-",
)
PARTIES = Parties(
    Index([POD]),
    network_sets=[
        network_set("wide", "203.0.113.0/24"),
        network_set("narrow", "203.0.113.128/25"),
        network_set("own", "203.0.113.0/24", namespace="dev"),
        network_set("foreign", "203.0.113.129/32", namespace="uat"),
        network_set("broken", "not-a-net", "198.51.100.1"),
    ],
    services=[
        {
            "metadata": {"name": "nginx-svc", "namespace": "dev"},
            "spec": {"clusterIP": "10.96.0.10", "ports": [{"port": 80, "targetPort": 8080, "name": "http"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.80"}]}},
        },
        {"metadata": {"name": "headless", "namespace": "dev"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}},
    ],
    nodes=[
        {
            "metadata": {"name": "node01"},
            "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]},
        }
    ],
)


def test_a_pod_is_named_with_its_own_labels() -> None:
    assert PARTIES.of("10.1.0.1") == Party("wep", "web-1", "web-*", "dev", ("app=nginx",))


@pytest.mark.parametrize(
    ("ip", "aggr"),
    [
        ("10.9.9.9", "pvt"),
        ("172.31.0.1", "pvt"),
        ("192.168.1.1", "pvt"),
        ("8.8.8.8", "pub"),
        ("169.254.1.1", "pub"),
        ("fd00::1", "pub"),
        ("nonsense", "pub"),
    ],
)
def test_other_addresses_are_private_or_public(ip: str, aggr: str) -> None:
    assert PARTIES.of(ip) == Party("net", "-", aggr, "-")


@pytest.mark.parametrize(
    ("seen_from", "name", "namespace"),
    [
        pytest.param("dev", "own", "dev", id="own-namespace-first"),
        pytest.param("prod", "narrow", "-", id="global-longest-prefix"),
    ],
)
def test_network_sets_are_chosen_by_nearness_then_prefix(seen_from: str, name: str, namespace: str) -> None:
    party = PARTIES.of("203.0.113.129", seen_from=seen_from)
    assert (party.type, party.name_aggr, party.namespace) == ("ns", name, namespace)


def test_a_broken_member_costs_no_other() -> None:
    assert PARTIES.of("198.51.100.1").name_aggr == "broken"


def test_nodes_are_named() -> None:
    assert PARTIES.of("10.0.0.1").type == "hep"


def test_services_are_found_by_cluster_and_balancer_address() -> None:
    by_cluster, by_balancer = PARTIES.service("10.96.0.10", 80, "tcp"), PARTIES.service("192.0.2.80", 80)
    assert by_cluster is not None
    assert (by_cluster.name, by_cluster.port_name, by_cluster.port) == ("nginx-svc", "http", 80)
    assert by_balancer == by_cluster
    assert PARTIES.service("None", 1) is None
