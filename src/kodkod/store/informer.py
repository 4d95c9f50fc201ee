"""How does a controller follow a kind? List, compare with what is known, watch, and begin anew whenever that ends.

A bare watch loop loses deletions across a cut; comparing a fresh list with the cache does not. Survives the server's
death, cut connections and compacted history. One task calls `run`; others read `items` and wait for `changes`.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from kodkod.resources import Object
from kodkod.resources.kinds import Kind
from kodkod.store.errors import Forbidden, Gone, StoreError, Unauthorized
from kodkod.store.protocol import Resources

log = logging.getLogger(__name__)

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is ""."""

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 10.0
PAGE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """object: as it is now, or as it was last when it is deleted. Shared, do not change."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    object: Object

    @property
    def key(self) -> Key:
        return key_of(self.object)


def key_of(obj: Object) -> Key:
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Informer:
    """items: the objects by key, shared, replaced and never changed in place."""

    def __init__(
        self, resources: Resources, kind: Kind, namespace: str | None = None, *, label_selector: str = "",
        field_selector: str = "",
    ) -> None:  # fmt: skip
        self.kind = kind
        self.items: dict[Key, Object] = {}
        self._resources = resources
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._synced = asyncio.Event()
        self._listeners: set[asyncio.Queue[Change]] = set()
        self._wakers: set[asyncio.Event] = set()

    async def run(self) -> None:
        """Follow for ever; ends only by cancellation."""
        backoff_s = BACKOFF_FIRST_S
        while True:
            try:
                version = await self._relist()
                backoff_s = BACKOFF_FIRST_S
                await self._follow(version)
            except Gone:
                continue
            except StoreError as error:
                level = logging.WARNING if isinstance(error, Forbidden | Unauthorized) else logging.INFO
                log.log(level, "watch ended", extra={"fields": {"kind": self.kind.qualified, "error": str(error)}})
            except Exception as error:  # an answer that nobody foresaw must not end whoever follows
                log.error("watch ended", exc_info=error, extra={"fields": {"kind": self.kind.qualified}})
            await asyncio.sleep(backoff_s * random.uniform(0.8, 1.2))  # so that agents do not return all at once
            backoff_s = min(backoff_s * 2, BACKOFF_MAX_S)

    async def synced(self) -> None:
        """Wait until the first list has been taken in."""
        await self._synced.wait()

    @property
    def is_synced(self) -> bool:
        return self._synced.is_set()

    def wake(self, event: asyncio.Event) -> None:
        """Set this event at each change from now on; the loop that owns it clears it."""
        self._wakers.add(event)

    async def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, beginning with an ADDED for each object known already."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        for obj in self.items.values():
            queue.put_nowait(Change("ADDED", obj))
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)

    async def _relist(self) -> str:
        fresh: dict[Key, Object] = {}
        token, version = "", ""
        while True:
            page = await self._resources.list(
                self.kind, self._namespace, limit=PAGE, continue_token=token, label_selector=self._label_selector,
                field_selector=self._field_selector,
            )  # fmt: skip
            fresh.update((key_of(obj), obj) for obj in page.items)
            version = page.resource_version
            token = page.continue_token
            if not token:
                break
        self._take_in(fresh)
        self._synced.set()
        return version

    def _take_in(self, fresh: dict[Key, Object]) -> None:
        for key in [key for key in self.items if key not in fresh]:
            self._tell(Change("DELETED", self.items[key]))
        for obj in fresh.values():
            self._put(obj)

    async def _follow(self, version: str) -> None:
        events = self._resources.watch(
            self.kind, self._namespace, resource_version=version, bookmarks=True, label_selector=self._label_selector,
            field_selector=self._field_selector,
        )  # fmt: skip
        async for event in events:
            if event.type == "DELETED":
                self._tell(Change("DELETED", event.object))
            elif event.type in ("ADDED", "MODIFIED"):
                self._put(event.object)

    def _put(self, obj: Object) -> None:
        known = self.items.get(key_of(obj))
        if known is None:
            self._tell(Change("ADDED", obj))
        elif known["metadata"].get("uid") != obj["metadata"].get("uid"):
            self._tell(Change("DELETED", known))
            self._tell(Change("ADDED", obj))
        elif known["metadata"].get("resourceVersion") != obj["metadata"].get("resourceVersion"):
            self._tell(Change("MODIFIED", obj))

    def _tell(self, change: Change) -> None:
        if change.type == "DELETED":
            if self.items.pop(change.key, None) is None:
                return
        else:
            self.items[change.key] = change.object
        for queue in self._listeners:
            queue.put_nowait(change)
        for event in self._wakers:
            event.set()


async def settle(
    informers: Sequence[Informer], act: Callable[[], Awaitable[None]], wait_s: Callable[[], float]
) -> None:
    """A controller's life: follow some kinds; act once all are known, on each change, and after `wait_s` without one.

    Until cancelled. What `act` raises ends it.
    """
    changed = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for informer in informers:
            informer.wake(changed)
            group.create_task(informer.run())
        for informer in informers:
            await informer.synced()
        while True:
            changed.clear()
            await act()
            try:
                async with asyncio.timeout(wait_s()):
                    await changed.wait()
            except TimeoutError:
                continue
