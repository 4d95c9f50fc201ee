"""One ring over all interfaces of a namespace: newcomers, ignored ones, loopback, routed packets, tags beside it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kodkod._core import Live

pytestmark = pytest.mark.netns

PORT = 777
OWN_TAGS = 2**24
_NUMBERS = itertools.count()


@dataclass(slots=True)
class Node:
    """A namespace that routes between pods, each a namespace of its own behind a pair of interfaces."""

    name: str
    pods: list[str] = field(default_factory=list)

    def add_pod(self) -> int:
        """The kernel index of the new pod's interface in the node. Pod n has the address 10.9.n.2."""
        number = len(self.pods) + 1
        pod = f"{self.name}p{number}"
        self.pods.append(pod)
        ip(f"netns add {pod}")
        ip(f"link add kkp{number} netns {self.name} type veth peer name eth0 netns {pod}")
        ip(f"-n {self.name} addr add 10.9.{number}.1/24 dev kkp{number}")
        ip(f"-n {self.name} link set kkp{number} up")
        ip(f"-n {pod} addr add 10.9.{number}.2/24 dev eth0")
        ip(f"-n {pod} link set eth0 up")
        ip(f"-n {pod} route add default via 10.9.{number}.1")
        return int(self.link(f"kkp{number}")["ifindex"])

    def link(self, interface: str) -> Any:
        return json.loads(ip(f"-n {self.name} -j -s link show dev {interface}"))[0]

    def kernel_packets(self, interface: str) -> int:
        stats = self.link(interface)["stats64"]
        return int(stats["rx"]["packets"] + stats["tx"]["packets"])


def ip(arguments: str) -> str:
    done = subprocess.run(["ip", *arguments.split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {arguments}: {done.stderr}"
    return done.stdout


def send(namespace: str, address: str, count: int, *, port: int = PORT) -> None:
    program = """
        import socket, sys
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for number in range(int(sys.argv[3])):
            s.sendto(b"x" * 72, (sys.argv[1], int(sys.argv[2])))
    """
    command = ["ip", "netns", "exec", namespace, "python3", "-c", textwrap.dedent(program), address, str(port)]
    subprocess.run([*command, str(count)], check=True, timeout=60)


@pytest.fixture
def node() -> Iterator[Node]:
    """Skips the test where we may not make namespaces."""
    made = Node(f"kk-e-{os.getpid()}-{next(_NUMBERS)}")
    if subprocess.run(["ip", "netns", "add", made.name], capture_output=True, check=False).returncode != 0:
        pytest.skip("no right to make network namespaces")
    try:
        ip(f"-n {made.name} link set lo up")
        forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
        subprocess.run(["ip", "netns", "exec", made.name, "sh", "-c", forward], check=True)
        yield made
    finally:
        for name in [made.name, *made.pods]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@pytest.fixture
def live() -> Iterator[Live]:
    made = Live(workers=2, memory_bytes=64 << 20)
    yield made
    made.close()


def flows_to(live: Live, port: int) -> dict[int, int]:
    """Packets to the server by tag, of flows to a port that are open now; asked for once."""
    live.flush()
    found: dict[int, int] = {}
    for flow in live.drain(1)["flows"]:
        if flow["server_port"] == port:
            found[flow["tag"]] = found.get(flow["tag"], 0) + flow["packets_to_server"]
    return found


def counted(live: Live, tags: Iterable[int]) -> dict[int, int]:
    counters = live.counters()
    return {tag: counters[tag]["packets"] for tag in tags}


def wait_for(claim: Callable[[], bool], *, within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_interfaces_made_later_are_seen_from_their_first_packet_on(node: Node, live: Live) -> None:
    live.attach_all(facts=["flows"], netns=node.name)
    tags = {}
    for number in range(1, 6):
        tags[node.add_pod()] = f"kkp{number}"
        send(node.pods[-1], f"10.9.{number}.1", number)
    assert flows_to(live, PORT) == {tag: number for number, tag in enumerate(tags, start=1)}
    # Every packet that the kernel has counted on the interfaces, the first neighbour solicitation included.
    assert wait_for(lambda: counted(live, tags) == {tag: node.kernel_packets(name) for tag, name in tags.items()})
    assert live.counters()[0]["drops"] == {"kernel": 0}
    assert live.counters()[0]["packets"] == 0


def test_a_routed_packet_is_seen_where_it_comes_in_and_where_it_goes_out(node: Node, live: Live) -> None:
    live.attach_all(facts=["flows"], netns=node.name)
    one, other = node.add_pod(), node.add_pod()
    send(node.pods[0], "10.9.2.2", 7)
    assert flows_to(live, PORT) == {one: 7, other: 7}


def test_loopback_gives_each_frame_once(node: Node, live: Live) -> None:
    live.attach_all(facts=["flows"], netns=node.name)
    send(node.name, "127.0.0.1", 9)
    assert flows_to(live, PORT) == {node.link("lo")["ifindex"]: 9}


def test_ignored_interfaces_are_left_out_until_they_are_no_longer_ignored(node: Node, live: Live) -> None:
    one, other = node.add_pod(), node.add_pod()
    live.attach_all(facts=["flows"], netns=node.name, ignore=[one])
    send(node.pods[0], "10.9.2.2", 3)
    assert flows_to(live, PORT) == {other: 3}
    live.ignore([other])
    send(node.pods[0], "10.9.2.2", 4)
    assert flows_to(live, PORT) == {one: 4}
    live.ignore([])
    send(node.pods[0], "10.9.2.2", 5)
    assert flows_to(live, PORT) == {one: 5, other: 5}
    live.ignore(range(1, 5000))  # more than the kernel's program holds
    send(node.pods[0], "10.9.2.2", 6)
    assert flows_to(live, PORT) == {}


def test_an_interface_that_is_gone_keeps_its_numbers_for_a_while_and_takes_nobody_with_it(
    node: Node, live: Live
) -> None:
    live.attach_all(facts=["flows"], netns=node.name)
    gone, stays = node.add_pod(), node.add_pod()
    send(node.pods[0], "10.9.1.1", 3)
    assert flows_to(live, PORT) == {gone: 3}
    ip(f"-n {node.name} link del kkp1")
    send(node.pods[1], "10.9.2.1", 4)
    assert flows_to(live, PORT) == {stays: 4}
    assert live.counters()[gone]["packets"] >= 3
    assert live.counters()[0]["error"] is None


def test_rings_of_their_own_need_high_tags_beside_it(node: Node, live: Live) -> None:
    link = node.add_pod()
    with pytest.raises(ValueError, match="no shared ring"):
        live.ignore([link])
    live.attach(5, "kkp1", netns=node.name, facts=["flows"])
    with pytest.raises(ValueError, match="tag 5 may be an interface"):
        live.attach_all(netns=node.name)
    live.detach(5)
    live.attach_all(facts=["flows"], netns=node.name, ignore=[link])
    with pytest.raises(ValueError, match="tag 16777215 may be an interface"):
        live.attach(OWN_TAGS - 1, "kkp1", netns=node.name)
    with pytest.raises(ValueError, match="attached already"):
        live.attach_all(netns=node.name)
    live.attach(OWN_TAGS, "kkp1", netns=node.name, facts=["flows"])
    send(node.pods[0], "10.9.1.1", 3)
    assert flows_to(live, PORT) == {OWN_TAGS: 3}


def test_leaving_tells_what_was_open_as_ended(node: Node, live: Live) -> None:
    live.attach_all(facts=["flows"], netns=node.name)
    tags = [node.add_pod(), node.add_pod()]
    send(node.pods[0], "10.9.2.2", 3)
    live.detach(0)
    ended = [flow for flow in live.drain(1)["flows"] if flow["server_port"] == PORT]
    assert sorted((flow["tag"], flow["ended"]) for flow in ended) == [(tag, True) for tag in sorted(tags)]
    assert live.counters() == {}
    live.attach_all(netns=node.name)


def test_the_kernels_reason_is_told_where_there_is_no_namespace(live: Live) -> None:
    with pytest.raises(FileNotFoundError, match="kk-e-nowhere"):
        live.attach_all(netns="kk-e-nowhere")
