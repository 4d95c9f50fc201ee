"""Which interfaces are a pod's: by what a kernel tells, simulated, and by what this one tells."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator

import pytest

from kodkod.endpoints.links import LinkReader, LinkTable
from kodkod.endpoints.netlink import Address, Link, Netlink, Routes


class SimulatedKernel:
    """Namespaces by id, each with addresses; counts how often it is asked for one."""

    def __init__(self) -> None:
        self.present: list[Link] = [Link(1, "lo"), Link(2, "eth0"), Link(3, "cni0", "bridge")]
        self.carried: dict[int, list[Address]] = {}
        self.routed = Routes()
        self.asked: list[int] = []

    def add(self, index: int, name: str, namespace: int, *ips: str, kind: str = "veth", peer: int = 2) -> None:
        self.present.append(Link(index, name, kind, peer, namespace))
        self.carried.setdefault(namespace, []).extend(Address(peer, ip) for ip in ips)

    def links(self) -> list[Link]:
        return list(self.present)

    def addresses(self, namespace: int) -> list[Address]:
        self.asked.append(namespace)
        return self.carried.get(namespace, [])

    def routes(self) -> Routes:
        return self.routed

    def close(self) -> None:
        pass


def names(table: LinkTable, *ips: str) -> list[str]:
    return [interface.name for interface in table.of_pod(ips)]


def test_the_namespace_that_carries_the_address_tells_every_interface_of_the_pod() -> None:
    kernel = SimulatedKernel()
    kernel.add(7, "veth7", 0, "10.1.0.5")
    kernel.add(8, "veth8", 0, "172.20.0.9", peer=3)
    kernel.add(9, "veth9", 1, "10.1.0.6")
    table = LinkReader(kernel).read(["10.1.0.5", "10.1.0.6"])
    assert names(table, "10.1.0.5") == ["veth7", "veth8"]
    assert [one.ips for one in table.of_pod(["10.1.0.5"])] == [("10.1.0.5",), ("172.20.0.9",)]
    assert names(table, "fd00::1", "10.1.0.6") == ["veth9"]
    assert table.of_nobody([]) == [1, 2, 3]
    assert table.of_nobody([2]) == [1, 3]


def test_a_namespace_is_asked_again_only_while_it_is_nobodys_and_somebody_is_missing() -> None:
    kernel = SimulatedKernel()
    kernel.add(7, "veth7", 0, "10.1.0.5")
    kernel.add(9, "veth9", 1)
    reader = LinkReader(kernel)
    reader.read(["10.1.0.5"])
    reader.read(["10.1.0.5"])
    assert kernel.asked == [0, 1]
    assert names(reader.read(["10.1.0.5", "10.1.0.6"]), "10.1.0.6") == []
    kernel.carried[1].append(Address(2, "10.1.0.6"))
    assert names(reader.read(["10.1.0.5", "10.1.0.6"]), "10.1.0.6") == ["veth9"]
    assert kernel.asked == [0, 1, 1, 1]


def test_an_id_that_names_another_namespace_later_is_not_mistaken() -> None:
    kernel = SimulatedKernel()
    kernel.add(7, "veth7", 0, "10.1.0.5")
    reader = LinkReader(kernel)
    reader.read(["10.1.0.5"])
    kernel.present.pop()
    kernel.carried.clear()
    kernel.add(8, "veth7", 0, "10.1.0.6")
    table = reader.read(["10.1.0.5", "10.1.0.6"])
    assert (names(table, "10.1.0.5"), names(table, "10.1.0.6")) == ([], ["veth7"])


def test_a_pod_that_takes_the_address_of_another_does_not_become_it() -> None:
    kernel = SimulatedKernel()
    kernel.add(7, "victim", 0, "10.1.0.5")
    reader = LinkReader(kernel)
    reader.read(["10.1.0.5"])
    kernel.add(8, "thief", 1, "10.1.0.5")
    assert names(reader.read(["10.1.0.5"]), "10.1.0.5") == ["victim"]


def test_of_two_sandboxes_with_one_address_the_newer_is_the_pods() -> None:
    kernel = SimulatedKernel()
    kernel.add(7, "old", 0, "10.1.0.5")
    kernel.add(8, "new", 1, "10.1.0.5")
    assert names(LinkReader(kernel).read(["10.1.0.5"]), "10.1.0.5") == ["new"]


def test_without_a_namespace_a_host_route_tells_but_not_one_through_a_tunnel() -> None:
    kernel = SimulatedKernel()
    kernel.present += [Link(7, "cali7", "veth"), Link(8, "tunl0", "ipip")]
    kernel.routed = Routes({"10.1.0.5": 7, "10.1.0.6": 8, "10.1.0.7": 2})
    table = LinkReader(kernel).read(["10.1.0.5", "10.1.0.6", "10.1.0.7"])
    assert [names(table, ip) for ip in ("10.1.0.5", "10.1.0.6", "10.1.0.7")] == [["cali7"], [], []]


def test_the_uplink_of_a_node_that_is_itself_a_container_is_no_workloads() -> None:
    kernel = SimulatedKernel()
    kernel.present[1] = Link(2, "eth0", "veth", 99, 5)
    kernel.carried[5] = [Address(99, "172.18.0.1")]
    kernel.routed = Routes(uplinks={2})
    kernel.add(7, "veth7", 0, "10.1.0.5")
    table = LinkReader(kernel).read(["10.1.0.5", "172.18.0.1"])
    assert table.of_nobody([]) == [1, 2, 3]
    assert not table.is_free("eth0")
    assert names(table, "172.18.0.1") == []


@pytest.fixture
def bridged() -> Iterator[str]:
    """A pod as the bridge plugin makes it: a namespace with two interfaces, host ends with random names."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    space, mark = f"kkd-{os.getpid()}", os.getpid() % 100_000
    run = lambda *words: subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: E731
    try:
        run("netns", "add", space)
        for number, address in enumerate(("10.96.77.5/16", "192.168.177.5/24")):
            run("link", "add", f"kkd{mark}v{number}", "type", "veth", "peer", "name", f"net{number}", "netns", space)
            run("-n", space, "address", "add", address, "dev", f"net{number}")
            run("-n", space, "link", "set", f"net{number}", "up")
            run("link", "set", f"kkd{mark}v{number}", "up")
        yield f"kkd{mark}v"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            run("netns", "del", space)


@pytest.mark.netns
def test_this_kernel_tells_the_interfaces_of_a_pod(bridged: str) -> None:
    with Netlink() as netlink:
        table = LinkReader(netlink).read(["10.96.77.5"])
    assert names(table, "10.96.77.5") == [f"{bridged}0", f"{bridged}1"]
    assert [one.ips for one in table.of_pod(["10.96.77.5"])] == [("10.96.77.5",), ("192.168.177.5",)]
    assert table.index("lo") == 1
    assert table.uplinks and not {table.index(f"{bridged}0"), table.index(f"{bridged}1")} & table.uplinks
    assert 1 in table.of_nobody([])


@pytest.mark.netns
def test_this_kernel_tells_host_routes(bridged: str) -> None:
    subprocess.run(["ip", "route", "add", "10.96.78.9/32", "dev", f"{bridged}0"], check=True)
    with Netlink() as netlink:
        table = LinkReader(netlink).read(["10.96.78.9"])
    assert names(table, "10.96.78.9") == [f"{bridged}0"]


def test_a_namespace_that_is_gone_carries_nothing() -> None:
    with Netlink() as netlink:
        assert netlink.addresses(1_000_000) == []
