"""Who gets which name, address and route: decisions, checked without a host."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.lab import plan
from kodkod.lab.errors import NoFreeNetwork
from kodkod.lab.plan import Lab, Port
from kodkod.lab.world import OUTSIDE_NAMES, WORKSHOP, Service, World


def drawn(numbers: Iterable[int]) -> Lab:
    source = iter(numbers)
    return plan.plan(WORKSHOP, plan.choose_network([]), lambda length: f"{next(source):0{length}}")


@pytest.fixture
def lab() -> Lab:
    return drawn(count())


def port(lab: Lab, namespace: str, name: str) -> Port:
    return next(each for each in lab.ports if (each.service.namespace, each.service.name) == (namespace, name))


def test_the_workshops_pods_are_there(lab: Lab) -> None:
    found = sorted(f"{pod.namespace}/{pod.generate_name or pod.name}" for pod in lab.pods)
    patterns = [
        "default/frontend-[^-]{10}-", "default/loadgenerator-[^-]{10}-", "dev/centos", "dev/dev-nginx-[^-]{10}-",
        "dev/dev-nginx-[^-]{10}-", "dev/netshoot", "uat/netshoot",
    ]  # fmt: skip
    assert len(found) == len(patterns)
    assert [name for name, pattern in zip(found, patterns, strict=True) if not re.fullmatch(pattern, name)] == []


def test_replicas_share_a_prefix_and_differ_in_their_end(lab: Lab) -> None:
    first, second = [pod for pod in lab.pods if pod.workload.name == "dev-nginx"]
    assert first.generate_name == second.generate_name
    assert first.name != second.name


def test_a_lab_that_is_reset_has_other_names_under_the_same_prefixes() -> None:
    one, other = drawn(count()), drawn(count(100))
    assert [pod.generate_name for pod in one.pods] == [pod.generate_name for pod in other.pods]
    assert {pod.name for pod in one.pods} & {pod.name for pod in other.pods} == {"centos", "netshoot"}


def test_the_hosts_interface_is_named_as_calico_names_it(lab: Lab) -> None:
    for pod in lab.pods:
        digest = hashlib.sha1(f"{pod.namespace}.{pod.name}".encode()).hexdigest()
        assert pod.interface == f"cali{digest[:11]}"


def test_nothing_shares_an_address_or_leaves_its_range(lab: Lab) -> None:
    network = lab.network
    addresses = [network.host, network.resolver]
    addresses += [pod.address for pod in lab.pods] + [each.address for each in lab.ports]
    addresses += [each.external for each in lab.ports if each.external]
    assert len(set(addresses)) == len(addresses)
    assert all(address in network.pods for address in addresses)
    assert network.outside_web in network.outside
    assert len({pod.mac for pod in lab.pods}) == len(lab.pods)


@pytest.mark.parametrize(
    ("namespace", "name", "behind"),
    [
        ("dev", "nginx-svc", ["dev-nginx", "dev-nginx"]),
        ("uat", "nginx-svc", ["dev-nginx", "dev-nginx"]),
        ("default", "frontend", ["frontend"]),
        ("default", "frontend-external", ["frontend"]),
    ],
)
def test_a_service_leads_to_its_pods(lab: Lab, namespace: str, name: str, behind: list[str]) -> None:
    assert [pod.workload.name for pod in port(lab, namespace, name).pods] == behind


def test_a_service_is_translated_to_its_pods_in_turn(lab: Lab) -> None:
    rules = plan.firewall(lab)
    assert (
        "ip daddr 10.65.96.10 tcp dport 80 dnat ip to numgen inc mod 2 map { 0 : 10.65.1.2 . 80, 1 : 10.65.1.3 . 80 }"
    ) in rules
    assert "ip daddr 10.65.200.13 tcp dport 80 dnat ip to numgen inc mod 1 map { 0 : 10.65.1.7 . 8080 }" in rules


def test_a_service_without_pods_refuses_at_once() -> None:
    world = World({"a": {}}, (), (Service("a", "lonely", {"app": "nobody"}),))
    lonely = plan.plan(world, plan.choose_network([]), lambda length: "x" * length)
    assert f"ip daddr {lonely.network.service(0)} tcp dport 80 reject" in plan.firewall(lonely)


def test_no_address_of_a_client_is_ever_rewritten(lab: Lab) -> None:
    assert not re.search(r"masquerade|\bsnat\b|postrouting", plan.firewall(lab))


def test_every_name_of_the_workshop_is_known(lab: Lab) -> None:
    names = plan.zone(lab)
    assert names["nginx-svc.dev.svc.cluster.local"] == port(lab, "dev", "nginx-svc").address
    assert names["nginx-svc.uat.svc.cluster.local"] == port(lab, "uat", "nginx-svc").address
    assert {names[name] for name in OUTSIDE_NAMES} == {lab.network.outside_web}


@pytest.mark.parametrize(
    ("busy", "pods", "outside"),
    [
        pytest.param([], "10.65.0.0/16", "198.18.0.0/24", id="free host"),
        pytest.param(["0.0.0.0/0"], "10.65.0.0/16", "198.18.0.0/24", id="a default route is no use of addresses"),
        pytest.param(["10.65.7.0/24"], "10.165.0.0/16", "198.18.0.0/24", id="part of it in use"),
        pytest.param(["10.0.0.0/8"], "172.29.0.0/16", "198.18.0.0/24", id="within a wide route"),
        pytest.param(["198.18.0.5/32"], "10.65.0.0/16", "198.18.77.0/24", id="outside in use"),
    ],
)
def test_a_range_that_the_host_uses_is_left_alone(busy: list[str], pods: str, outside: str) -> None:
    network = plan.choose_network(map(IPv4Network, busy))
    assert (str(network.pods), str(network.outside)) == (pods, outside)


def test_a_host_without_free_ranges_is_told_so() -> None:
    with pytest.raises(NoFreeNetwork, match=re.escape("10.65.0.0/16, 10.165.0.0/16")):
        plan.choose_network([IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12")])


_ROUTES = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.integers(0, 2**32 - 1).map(IPv4Address),
    st.integers(8, 32),
)


@given(busy=st.lists(_ROUTES, max_size=20))
def test_a_chosen_range_overlaps_nothing(busy: list[IPv4Network]) -> None:
    try:
        network = plan.choose_network(busy)
    except NoFreeNetwork:
        return
    assert not any(network.pods.overlaps(route) or network.outside.overlaps(route) for route in busy)
