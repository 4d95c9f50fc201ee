"""An informer holds what the server holds, whatever happens to the connection, the server or its history."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from kodkod.clock import SystemClock
from kodkod.resources import kinds
from kodkod.store import errors
from kodkod.store.embedded import EmbeddedResources
from kodkod.store.informer import Change, Informer
from kodkod.store.protocol import WatchEvent
from kodkod.store.remote import RemoteResources
from kodkod.testing.scenarios import free_port

SETS = kinds.GLOBAL_NETWORK_SET


class Flaky:
    """A store whose watches break when told to: `cut` for a lost connection, `expire` for a compacted history."""

    def __init__(self, inner: EmbeddedResources) -> None:
        self._inner = inner
        self._broken = asyncio.Event()
        self._error: Exception = errors.Unavailable("cut")
        self.lists = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def break_with(self, error: Exception) -> None:
        self._error = error
        self._broken.set()

    async def list(self, *args: object, **options: object) -> object:
        self.lists += 1
        return await self._inner.list(*args, **options)  # type: ignore[arg-type]

    async def watch(self, *args: object, **options: object) -> AsyncIterator[WatchEvent]:
        events = self._inner.watch(*args, **options)  # type: ignore[arg-type]
        broken = asyncio.create_task(self._broken.wait())
        while True:
            following = asyncio.ensure_future(anext(events))
            await asyncio.wait({following, broken}, return_when=asyncio.FIRST_COMPLETED)
            if broken.done():
                following.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await following
                self._broken.clear()
                raise self._error
            yield following.result()


@contextlib.asynccontextmanager
async def running(informer: Informer) -> AsyncIterator[None]:
    task = asyncio.create_task(informer.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - any fact may be waited for
            await asyncio.sleep(0.01)


def names(informer: Informer) -> set[str]:
    return {name for _, name in informer.items}


async def make(store: object, *wanted: str) -> None:
    for name in wanted:
        await store.create(SETS, {"metadata": {"name": name}})  # type: ignore[attr-defined]


async def test_follows_and_tells_each_change(store: EmbeddedResources) -> None:
    await make(store, "a")
    informer = Informer(store, SETS)
    async with running(informer):
        await informer.synced()
        changes = informer.changes()
        seen: list[Change] = [await anext(changes)]
        await make(store, "b")
        await store.patch(SETS, "b", {"spec": {"nets": ["10.0.0.0/8"]}})
        await store.delete(SETS, "b")
        async with asyncio.timeout(30):
            seen += [await anext(changes) for _ in range(3)]
    assert [(change.type, change.key[1]) for change in seen] == [
        ("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "error", [errors.Unavailable("cut"), errors.Gone("expired"), KeyError("metadata")], ids=["cut", "410", "unforeseen"]
)
async def test_a_deletion_behind_its_back_is_noticed(store: EmbeddedResources, error: Exception) -> None:
    await make(store, "a", "b")
    flaky = Flaky(store)
    informer = Informer(flaky, SETS)  # type: ignore[arg-type]
    async with running(informer):
        await informer.synced()
        await until(lambda: flaky.lists == 1)
        flaky.break_with(error)
        await store.delete(SETS, "a")
        await make(store, "c")
        await until(lambda: flaky.lists >= 2 and names(informer) == {"b", "c"})


async def test_a_successor_of_the_same_name_is_another_object(store: EmbeddedResources) -> None:
    await make(store, "a")
    flaky = Flaky(store)
    informer = Informer(flaky, SETS)  # type: ignore[arg-type]
    async with running(informer):
        await informer.synced()
        changes = informer.changes()
        await anext(changes)
        flaky.break_with(errors.Unavailable("cut"))
        await until(lambda: flaky.lists >= 2)
        flaky.break_with(errors.Unavailable("cut"))
        await store.delete(SETS, "a")
        await make(store, "a")
        async with asyncio.timeout(30):
            seen = [await anext(changes), await anext(changes)]
    assert [change.type for change in seen] == ["DELETED", "ADDED"]


async def test_selects(store: EmbeddedResources) -> None:
    await make(store, "a", "b")
    informer = Informer(store, SETS, field_selector="metadata.name=b")
    async with running(informer):
        await informer.synced()
        assert names(informer) == {"b"}


@contextlib.contextmanager
def server(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that may be killed; it makes nothing outside its folder."""
    program = [sys.executable, "-m", "kodkod.testing.playground", str(data), str(port), "--plain"]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None, "asked for above"
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_survives_kill_9_of_the_server(tmp_path: Path) -> None:
    port = free_port()
    with server(tmp_path, port):
        remote = RemoteResources.from_kubeconfig(tmp_path / "run/server.kubeconfig")
        await make(remote, "a", "b")
        informer = Informer(remote, SETS)
        task = asyncio.create_task(informer.run())
        await informer.synced()
        assert names(informer) == {"a", "b"}
    # the server is dead; while nobody watches, the store changes
    offline = EmbeddedResources(tmp_path / "resources.db", SystemClock())
    await offline.open()
    await offline.delete(SETS, "a")
    await make(offline, "c")
    await offline.close()
    with server(tmp_path, port):
        await until(lambda: names(informer) == {"b", "c"})
        await make(remote, "d")
        await until(lambda: names(informer) == {"b", "c", "d"})
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await remote.close()
