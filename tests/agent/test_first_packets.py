"""Of pods whose first act is a DNS query, how many queries are recorded? With a real kernel, as a cluster makes pods.

A pod's namespace and interface come first, its process asks at once, and only later its object has an address. Some
pods are over by then, and their interface with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kodkod._core import Live
from kodkod.agent.world import World
from kodkod.clock import SystemClock, rfc3339
from kodkod.flowlogs.node import FlowNode, Settings
from kodkod.resources import kinds
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.waiting import until

pytestmark = pytest.mark.netns

NODE = "kkd-node"
NAMESPACE = "kkd"
PODS = 40
SHORT = 10  # of these, over before their object has an address
BRIDGE = f"kkdb{os.getpid() % 100_000}"
GATEWAY = "10.97.0.1"
CLONE_NEWNET = 0x40000000


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def query(name: str) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


class Pod:
    """A sandbox as the bridge plugin makes it."""

    def __init__(self, number: int) -> None:
        self.name = f"pod-{number}"
        self.address = f"10.97.1.{number + 1}"
        self.netns = f"kkd-{os.getpid()}-{number}"
        self.link = f"kkd{os.getpid() % 10_000:04d}x{number}"

    def start(self) -> None:
        ip("netns", "add", self.netns)
        ip("link", "add", self.link, "master", BRIDGE, "type", "veth", "peer", "name", "eth0", "netns", self.netns)
        ip("link", "set", self.link, "up")
        ip("-n", self.netns, "address", "add", f"{self.address}/16", "dev", "eth0")
        ip("-n", self.netns, "link", "set", "eth0", "up")

    def ask(self) -> None:
        """A UDP datagram to port 53 from inside, by a thread of its own, as setns asks for."""

        def inside() -> None:
            with Path(f"/run/netns/{self.netns}").open() as space:
                assert ctypes.CDLL(None).setns(space.fileno(), CLONE_NEWNET) == 0
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.sendto(query(f"{self.name}.example.org"), (GATEWAY, 53))
                client.recv(512)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()

    def end(self) -> None:
        subprocess.run(["ip", "link", "del", self.link], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.netns], check=False, capture_output=True)

    def manifest(self, phase: str) -> dict[str, Any]:
        ended = {"terminated": {"finishedAt": rfc3339(datetime.now(UTC)), "exitCode": 0}}
        state = {"running": {}} if phase == "Running" else ended
        return {"phase": phase, "podIP": self.address, "containerStatuses": [{"name": "main", "state": state}]}


def answer(server: socket.socket) -> None:
    """Every question gets `no such name`, until the socket is closed."""
    while True:
        try:
            asked, client = server.recvfrom(512)
        except OSError:
            return
        if not asked:  # shut down
            return
        server.sendto(asked[:2] + b"\x81\x83" + asked[4:], client)


@pytest.fixture
def pods() -> Iterator[list[Pod]]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    made = [Pod(number) for number in range(PODS)]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("address", "add", f"{GATEWAY}/16", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        server.bind((GATEWAY, 53))
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        yield made
    finally:
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        for pod in made:
            pod.end()
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)


async def test_every_first_query_is_recorded(pods: list[Pod]) -> None:
    resources = EmbeddedResources(MEMORY, SystemClock())
    await resources.open()
    await resources.create(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE}})
    world = World(resources, NODE, (), SystemClock(), is_one_host=False)
    flows = FlowNode(NODE, Live(workers=1))
    records: dict[str, str] = {}

    async def record() -> None:
        settings = Settings(flow_flush_s=1000, dns_flush_s=0.2)
        await world.synced()
        while True:
            view, now = world.view, datetime.now(UTC)
            flows.reconcile(view.endpoints, now, links=view.links, departed=view.departed)
            found = await asyncio.to_thread(flows.turn, view.parties, settings, now, wait_s=0.1)
            records.update({str(one["qname"]): str(one["client_name"]) for one in found.get("dns", ())})

    tasks = [asyncio.ensure_future(world.run()), asyncio.ensure_future(record())]
    try:
        await until(lambda: asyncio.sleep(0, flows), lambda node: bool(node._live.counters()))
        for number, pod in enumerate(pods):
            await asyncio.to_thread(pod.start)
            await asyncio.to_thread(pod.ask)
            if number < SHORT:
                await asyncio.to_thread(pod.end)
        for number, pod in enumerate(pods):
            body = {"metadata": {"name": pod.name}, "spec": {"nodeName": NODE, "containers": [{"name": "main"}]}}
            await resources.create(kinds.POD, body, NAMESPACE)
            status = pod.manifest("Succeeded" if number < SHORT else "Running")
            await resources.patch(kinds.POD, pod.name, {"status": status}, NAMESPACE, subresource="status")
        await until(lambda: asyncio.sleep(0, records), lambda found: len(found) == PODS, within_s=40)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        flows.close()
        await resources.close()
    assert records == {f"{pod.name}.example.org": pod.name for pod in pods}
    assert flows.lost == 0
