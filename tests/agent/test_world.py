"""What a node of a cluster knows: its own pods, where their packets pass, and who was there a moment ago."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest

from kodkod.agent.world import World
from kodkod.clock import SystemClock
from kodkod.resources import kinds
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.waiting import until

NODE = "kkd-world"
NAMESPACE = "kkd"
ADDRESS = "10.99.66.5"
MARK = f"kkdw{os.getpid() % 100_000}"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def space() -> Iterator[str]:
    """A network namespace, empty yet."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    name = f"{MARK}-space"
    ip("netns", "add", name)
    try:
        yield name
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("netns", "del", name)


def connect(space: str, number: int = 0, address: str = ADDRESS) -> str:
    link = f"{MARK}v{number}"
    ip("link", "add", link, "type", "veth", "peer", "name", f"net{number}", "netns", space)
    ip("-n", space, "address", "add", f"{address}/16", "dev", f"net{number}")
    return link


@pytest.fixture
async def resources() -> AsyncIterator[EmbeddedResources]:
    made = EmbeddedResources(MEMORY, SystemClock())
    await made.open()
    await made.create(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE}})
    yield made
    await made.close()


@pytest.fixture
async def world(resources: EmbeddedResources) -> AsyncIterator[World]:
    made = World(resources, NODE, (), SystemClock(), is_one_host=False)
    task = asyncio.ensure_future(made.run())
    await made.synced()
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def add_pod(resources: EmbeddedResources, name: str, *, node: str = NODE, host: bool = False) -> None:
    spec = {"nodeName": node, "containers": [{"name": "main"}], **({"hostNetwork": True} if host else {})}
    await resources.create(kinds.POD, {"metadata": {"name": name}, "spec": spec}, NAMESPACE)
    status = {"phase": "Running", "podIP": ADDRESS}
    await resources.patch(kinds.POD, name, {"status": status}, NAMESPACE, subresource="status")


async def known(world: World) -> list[tuple[str, str]]:
    return [(one.workload, one.interface) for one in world.endpoints() if one.link is not None]


@pytest.mark.netns
async def test_a_pod_is_found_by_the_kernel_and_remembered_when_it_goes(
    resources: EmbeddedResources, world: World, space: str
) -> None:
    link = connect(space)
    await add_pod(resources, "web")
    await until(lambda: known(world), lambda found: found == [("web", link)])
    (first,) = world.endpoints()

    second = connect(space, 1, "10.99.66.6")  # the kernel's notice alone wakes it
    await until(lambda: known(world), lambda found: found == [("web", link), ("web", second)])

    await resources.delete(kinds.POD, "web", NAMESPACE)
    await until(lambda: known(world), lambda found: found == [])
    assert {one.id for one in world.view.departed} >= {first.id}
    assert world.parties().of(ADDRESS).name == "web"

    await add_pod(resources, "web")
    await until(lambda: known(world), lambda found: len(found) == 2)
    assert first.id not in {one.id for one in world.endpoints()}


@pytest.mark.netns
async def test_an_interface_that_comes_after_the_address_is_found(
    resources: EmbeddedResources, world: World, space: str
) -> None:
    await add_pod(resources, "late")
    await until(lambda: asyncio.sleep(0, world.endpoints()), lambda found: len(found) == 1)
    assert world.endpoints()[0].link is None
    link = connect(space)
    await until(lambda: known(world), lambda found: found == [("late", link)])


async def test_pods_of_other_nodes_and_of_the_nodes_own_network_are_none(
    resources: EmbeddedResources, world: World
) -> None:
    await add_pod(resources, "elsewhere", node="other")
    await add_pod(resources, "agent", host=True)
    await add_pod(resources, "here")
    await until(lambda: asyncio.sleep(0, world.endpoints()), lambda found: bool(found))
    assert [one.workload for one in world.endpoints()] == ["here"]
    assert {pod["metadata"]["name"] for pod in world.objects(kinds.POD)} == {"agent", "here"}
