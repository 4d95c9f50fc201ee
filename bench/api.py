"""How fast is the embedded API? A real server over TLS with `synchronous=FULL`; watchers are real connections.

`create` with 8 connections, single verbs one after another, a list of everything and a page of it, and one event to
many watchers. The clients share the machine with the server, so the numbers are a floor.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from kodkod.resources import kinds
from kodkod.store.remote import RemoteResources
from kodkod.testing.scenarios import playground

CAPTURE = kinds.PACKET_CAPTURE
CREATED = 5_000
CONNECTIONS = 8
WATCHERS = 300
WATCHERS_A_CLIENT = 50  # aiohttp opens at most a hundred connections for one session
REPEATS = 200
Row = dict[str, object]


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="kodkod-bench-") as folder, playground(Path(folder)) as ground:
        rows = [{"what": "server idle", "rss_mb": ground.resident_bytes() / 1e6}]
        rows += asyncio.run(over_http(ground.data / "run/server.kubeconfig"))
        rows.append({"what": "server after all this", "rss_mb": ground.resident_bytes() / 1e6})
        return rows


async def over_http(config: Path) -> list[Row]:
    async with RemoteResources.from_kubeconfig(config) as resources:
        rows = [await creating(resources)]
        name = iter(range(REPEATS * 4))
        rows.append(await one_by_one("get", lambda: resources.get(CAPTURE, "c0", "default")))
        rows.append(
            await one_by_one(
                "patch",
                lambda: resources.patch(CAPTURE, "c1", {"metadata": {"labels": {"n": str(next(name))}}}, "default"),
            )
        )
        rows.append(await one_by_one("list page of 500", lambda: resources.list(CAPTURE, "default", limit=500)))
        rows.append(await one_by_one(f"list all {CREATED}", lambda: resources.list(CAPTURE, "default"), repeats=5))
    rows.append(await fanning_out(config))
    return rows


async def creating(resources: RemoteResources) -> Row:
    names = iter(range(CREATED))

    async def work() -> None:
        for number in names:
            body = {"metadata": {"name": f"c{number}"}, "spec": {"selector": "app == 'web'"}}
            await resources.create(CAPTURE, body, "default")

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())
    return {"what": f"create, {CONNECTIONS} connections", "per_s": CREATED / (time.perf_counter() - begun)}


async def one_by_one(what: str, act: Callable[[], Awaitable[object]], repeats: int = REPEATS) -> Row:
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        await act()
        times.append((time.perf_counter() - begun) * 1000)
    times.sort()
    return {"what": what, "p50_ms": statistics.median(times), "p99_ms": times[int(len(times) * 0.99)]}


async def fanning_out(config: Path) -> Row:
    """The time from a write until the last of many watchers has seen it."""
    times: list[float] = []
    seen: asyncio.Queue[None] = asyncio.Queue()
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(RemoteResources.from_kubeconfig(config))
            for _ in range(WATCHERS // WATCHERS_A_CLIENT + 1)
        ]
        version = (await clients[0].list(CAPTURE, limit=1)).resource_version

        async def watch(client: RemoteResources) -> None:
            async for _ in client.watch(CAPTURE, "default", resource_version=version):
                seen.put_nowait(None)

        async with asyncio.TaskGroup() as group:
            watchers = [
                group.create_task(watch(clients[1 + number // WATCHERS_A_CLIENT])) for number in range(WATCHERS)
            ]
            for round_ in range(11):
                begun = time.perf_counter()
                await clients[0].patch(CAPTURE, "c2", {"metadata": {"labels": {"r": str(round_)}}}, "default")
                for _ in range(WATCHERS):
                    await seen.get()
                times.append((time.perf_counter() - begun) * 1000)
            for watcher in watchers:
                watcher.cancel()
    after_connecting = times[1:]
    return {
        "what": f"one event to {WATCHERS} watchers", "p50_ms": statistics.median(after_connecting),
        "p99_ms": max(after_connecting),
    }  # fmt: skip
