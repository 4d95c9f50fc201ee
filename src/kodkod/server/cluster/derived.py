"""Who changed what, where the provider gives no audit log? What a watch shows is written down, and marked so.

It tells that an object was created, changed or deleted, and when it was seen; not by whom, nor from where. Kinds: those
that published alerts ask for. A change that is on record in full already (it came through the API face, or the API
server's own stream is delivered to us) is not told twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kodkod.clock import Clock, rfc3339_micro
from kodkod.logs.datasets import AUDIT
from kodkod.logs.query import AllOf, HasText
from kodkod.logs.store import Axis, LogStore, Window
from kodkod.resources import Object, kinds
from kodkod.resources.kinds import Kind
from kodkod.server.cluster import telemetry
from kodkod.server.cluster.foreign import GLOBAL_NETWORK_POLICY, NETWORK_POLICY
from kodkod.store import Resources
from kodkod.store.errors import Forbidden, NotFound, StoreError
from kodkod.store.informer import Change, Informer, Key

KINDS: tuple[Kind, ...] = (
    kinds.GLOBAL_NETWORK_SET, kinds.SERVICE_ACCOUNT, NETWORK_POLICY, GLOBAL_NETWORK_POLICY,
)  # fmt: skip
THROUGH_THE_FACE = frozenset({"projectcalico.org"})
HOLD_S = 5.0
"""What came through the face is held this long, until the face's own record is here."""
LOOK_BACK_S = 60.0
MARK = "kodkod.dev/derived"
MISSING_LOOK_S = 600.0


class AuditSink(Protocol):
    def write(self, record: dict[str, Any]) -> None: ...


class Stream(Protocol):
    """The API server's own audit log, where it is delivered to us."""

    @property
    def is_heard(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A change of an object as a watch shows it."""

    verb: str
    kind: Kind
    object: Object


def verb_of(change: Change, before: Object | None) -> str | None:
    """What somebody must have asked for; None for what is no request on the object itself.

    A status, a field manager or a binding to a node changes an object too, and is none. A deletion is told when it is
    asked for, not again when the object has gone.
    """
    after = change.object
    if change.type == "DELETED":
        return None if before is not None and is_ending(before) else "delete"
    if before is None:
        return "create"
    if is_ending(after):
        return None if is_ending(before) else "delete"
    return "update" if essence(before) != essence(after) else None


def is_ending(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def essence(obj: Object) -> Mapping[str, Any]:
    """What a person changes of an object."""
    metadata = obj["metadata"]
    kept = {key: value for key, value in obj.items() if key not in ("metadata", "status")}
    if isinstance(kept.get("spec"), dict):
        kept["spec"] = {key: value for key, value in kept["spec"].items() if key not in ("nodeName", "tolerations")}
    return {**kept, "labels": metadata.get("labels") or {}, "annotations": metadata.get("annotations") or {}}


class Derived:
    """pods: an informer that somebody else runs. Runs where the Lease is held; `run` is its task."""

    def __init__(
        self, resources: Resources, pods: Informer, logs: LogStore, audit: AuditSink, stream: Stream, clock: Clock
    ) -> None:
        self._resources = resources
        self._pods = pods
        self._logs = logs
        self._audit = audit
        self._stream = stream
        self._clock = clock

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(self._pods))
            for kind in KINDS:
                group.create_task(self._follow_present(kind))

    async def _follow_present(self, kind: Kind) -> None:
        """A kind that the cluster does not have is looked for again now and then."""
        while True:
            try:
                await self._resources.list(kind, limit=1)
                break
            except (NotFound, Forbidden):
                await asyncio.sleep(MISSING_LOOK_S)
            except StoreError as error:
                telemetry.not_published(f"audit of {kind.plural}", str(error))
                await asyncio.sleep(HOLD_S)
        informer = Informer(self._resources, kind)
        async with asyncio.TaskGroup() as group:
            group.create_task(informer.run())
            group.create_task(self._follow(informer))

    async def _follow(self, informer: Informer) -> None:
        """What is there at the beginning is no change."""
        await informer.synced()
        known: dict[Key, Object] = dict(informer.items)
        async with asyncio.TaskGroup() as group:
            async for change in informer.changes():
                before = known.get(change.key)
                if change.type == "DELETED":
                    known.pop(change.key, None)
                else:
                    known[change.key] = change.object
                if before is not None and is_another(before, change.object):
                    before = None
                verb = None if before is change.object else verb_of(change, before)
                if verb is not None and not self._stream.is_heard:
                    group.create_task(self._tell(Seen(verb, informer.kind, change.object)))

    async def _tell(self, seen: Seen) -> None:
        now = self._clock.now()
        if seen.kind.group in THROUGH_THE_FACE:
            await asyncio.sleep(HOLD_S)
            with contextlib.suppress(OSError):
                if await self._is_on_record(seen):
                    return
        self._audit.write(record(seen, rfc3339_micro(now)))

    async def _is_on_record(self, seen: Seen) -> bool:
        """Whether the log has this very change in full: by the version that it made, or a deletion by its object."""
        metadata = seen.object["metadata"]
        wanted = [
            HasText(AUDIT.field("objectRef.resource"), (seen.kind.plural,)),
            HasText(AUDIT.field("objectRef.name"), (metadata["name"],)),
        ]
        now_s = self._clock.now().timestamp()
        window = Window(now_s - LOOK_BACK_S, now_s + LOOK_BACK_S, Axis.ARRIVAL)
        page = await self._logs.search(AUDIT.name, AllOf(tuple(wanted)), window=window, limit=100)
        return any(is_same(one.record, seen) for one in page.items)


def is_another(before: Object, after: Object) -> bool:
    """Whether an object of the same name took the place of one that went unseen."""
    return bool(before["metadata"].get("uid") != after["metadata"].get("uid"))


def is_same(known: Mapping[str, Any], seen: Seen) -> bool:
    if MARK in (known.get("annotations") or {}):
        return False
    if seen.verb == "delete":
        return known.get("verb") in ("delete", "deletecollection")
    made = (known.get("responseObject") or {}).get("metadata") or {}
    return bool(made.get("resourceVersion") == seen.object["metadata"].get("resourceVersion"))


def record(seen: Seen, at: str) -> dict[str, Any]:
    """An audit record of what was seen. Nobody is named: a watch does not say who it was."""
    kind, metadata = seen.kind, seen.object["metadata"]
    reference = {
        "resource": kind.plural, "namespace": metadata.get("namespace"), "name": metadata["name"],
        "uid": metadata.get("uid"), "apiGroup": kind.group, "apiVersion": kind.version,
        "resourceVersion": metadata.get("resourceVersion"),
    }  # fmt: skip
    shown = {key: value for key, value in seen.object.items() if key != "status"}
    shown["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"}
    version = metadata.get("resourceVersion", "")
    found: dict[str, Any] = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": f"{metadata.get('uid', '')}-{version}-{seen.verb}",  # the same when it is derived again
        "stage": "ResponseComplete", "verb": seen.verb,
        "objectRef": {key: value for key, value in reference.items() if value},
        "responseStatus": {"metadata": {}, "code": 200, "status": "Success"},
        "requestReceivedTimestamp": at, "stageTimestamp": at,
        "annotations": {MARK: "from a watch: not by whom, nor from where"},
    }  # fmt: skip
    if seen.verb != "delete":
        found["responseObject"] = shown
    return found
