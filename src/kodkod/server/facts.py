"""Which logs and events may this caller see? The seam between the routes over facts and the rooms that keep them.

Rights: `get` on `events` or `logs` of group `kodkod.dev`. Held for the whole cluster they show everything; held in
some namespaces, only records that belong to these. The restriction is part of the query, so no search, sort, count,
cursor or aggregation can reach around it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from kodkod.access import Authorizer, Caller
from kodkod.access import Request as Right
from kodkod.clock import Clock
from kodkod.events import Events, types
from kodkod.logs.datasets import EVENTS, Dataset
from kodkod.logs.query import AllOf, AnyOf, Bound, HasText, Opposite, bind, parse
from kodkod.logs.store import LogStore
from kodkod.resources.kinds import NAMESPACE
from kodkod.server import audit
from kodkod.server.problems import Problem
from kodkod.store.protocol import Resources

GROUP = "kodkod.dev"
SAME_READ_S = 60  # the console asks the same page again and again; one record a minute says so
READS_REMEMBERED_MAX = 2_000
ASKED_AT_ONCE = 16


class Completion(Protocol):
    """Whoever knows names that a record's producer could not know."""

    def complete(self, dataset: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]: ...


class AuditSink(Protocol):
    def write(self, record: dict[str, Any]) -> None: ...


@dataclass(slots=True)
class Facts:
    """What the routes over logs and events stand on. names: complete what agents deliver; None where they know all."""

    logs: LogStore
    events: Events
    resources: Resources
    authorizer: Authorizer
    clock: Clock
    audit: AuditSink
    names: Completion | None = None
    _reads: OrderedDict[tuple[str, str], datetime] = field(default_factory=OrderedDict)

    async def restriction(self, caller: Caller, resource: str, dataset: Dataset) -> Bound | None:
        """What narrows the caller's queries; None where nothing does. Problem 403 without any right."""
        if await self._may(caller, resource, dataset, ""):
            return None
        own = await self._own(caller, resource, dataset)
        if not own:
            raise forbidden(caller, "get", resource)
        return owned_by(dataset, own)

    async def _own(self, caller: Caller, resource: str, dataset: Dataset) -> tuple[str, ...]:
        """The namespaces that the caller may read; asked about several at once, since each may be a request."""
        present = await self.resources.list(NAMESPACE)
        names = [obj["metadata"]["name"] for obj in present.items]
        own: list[str] = []
        for start in range(0, len(names), ASKED_AT_ONCE):
            part = names[start : start + ASKED_AT_ONCE]
            answers = await asyncio.gather(*(self._may(caller, resource, dataset, name) for name in part))
            own += [name for name, allowed in zip(part, answers, strict=True) if allowed]
        return tuple(own)

    async def require(self, caller: Caller, verb: str, resource: str, name: str = "") -> None:
        """Problem 403 unless the caller has the right for the whole cluster."""
        if not await self.authorizer.allows(caller, Right(verb, GROUP, resource, name=name)):
            raise forbidden(caller, verb, resource)

    def on_record(self, connection: HTTPConnection, caller: Caller, resource: str, name: str, matches: int) -> None:
        """Write down that somebody read facts; the same question again within a minute is the same read."""
        now = self.clock.now()
        key = (caller.name, str(connection.url))
        before = self._reads.get(key)
        if before is not None and (now - before).total_seconds() < SAME_READ_S:
            return
        self._reads[key] = now
        self._reads.move_to_end(key)
        if len(self._reads) > READS_REMEMBERED_MAX:
            self._reads.popitem(last=False)
        reference = {"resource": resource, "apiGroup": GROUP, "apiVersion": "v1", "name": name}
        message = f"{matches} matches"
        record = audit.record(
            connection, caller, verb="get", object_ref=reference, code=200, received=now, completed=now, message=message
        )
        self.audit.write(record)

    async def _may(self, caller: Caller, resource: str, dataset: Dataset, namespace: str) -> bool:
        name = "" if resource == "events" else dataset.name
        return await self.authorizer.allows(caller, Right("get", GROUP, resource, namespace=namespace, name=name))


def forbidden(caller: Caller, verb: str, resource: str) -> Problem:
    message = f'user "{caller.name}" cannot {verb} resource "{resource}" in API group "{GROUP}"'
    return Problem(403, "forbidden", message)


def owned_by(dataset: Dataset, namespaces: tuple[str, ...]) -> Bound:
    """The records that belong to some of these namespaces.

    A DPI event quotes packets of the endpoints that its DeepPacketInspection selects: it belongs to the namespace of
    that object alone, not to whoever the other end was.
    """
    owners = AnyOf(tuple(HasText(dataset.field(name), namespaces) for name in dataset.owners))
    if dataset is not EVENTS:
        return owners
    is_dpi = HasText(EVENTS.field("type"), (types.DEEP_PACKET_INSPECTION,))
    members = ", ".join(f'"dpi.{name}/*"' for name in namespaces)
    of_own_object = bind(parse(f"origin IN {{{members}}}"), EVENTS)
    return AnyOf((AllOf((is_dpi, of_own_object)), AllOf((Opposite(is_dpi), owners))))
