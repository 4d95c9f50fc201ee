"""Is this caller allowed to do this? RBAC as in a cluster, and the restriction of nodes to their own reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from kodkod.access import noderestriction
from kodkod.access.callers import Caller
from kodkod.access.policy import Grant, Policy
from kodkod.access.requests import Request
from kodkod.resources import Object
from kodkod.resources.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING, Kind

RBAC_KINDS = (ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING)


class PolicySource(Protocol):
    """Where roles and bindings are read from, at once and without waiting."""

    def kind_version(self, kind: Kind) -> int:
        """A number that grows whenever an object of the kind changes."""
        ...

    def snapshot(self, kind: Kind) -> Iterable[Object]:
        """All objects of the kind; shared."""
        ...


class Authorizer(Protocol):
    """Whoever decides: the roles of the embedded API, or a cluster that is asked."""

    async def allows(self, caller: Caller, request: Request) -> bool: ...

    async def refusal(self, caller: Caller, request: Request) -> str | None:
        """Why not, in words for the caller, or "" where there is no more to say; None if it is allowed."""
        ...

    async def grants(self, caller: Caller, namespace: str) -> list[Grant]:
        """Every rule that holds for the caller in a namespace (`kubectl auth can-i --list`)."""
        ...


class RoleAuthorizer:
    """Answers from an index of roles that is rebuilt when one of them has changed since the last question."""

    def __init__(self, source: PolicySource) -> None:
        self._source = source
        self._versions: tuple[int, ...] = ()
        self._policy = Policy.of({})

    async def allows(self, caller: Caller, request: Request) -> bool:
        return await self.refusal(caller, request) is None

    async def refusal(self, caller: Caller, request: Request) -> str | None:
        if not self._current().allows(caller, request):
            return ""
        return noderestriction.refusal(caller, request)

    async def grants(self, caller: Caller, namespace: str) -> list[Grant]:
        return self._current().grants(caller, namespace)

    def _current(self) -> Policy:
        versions = tuple(self._source.kind_version(kind) for kind in RBAC_KINDS)
        if versions != self._versions:
            self._policy = Policy.of({kind: tuple(self._source.snapshot(kind)) for kind in RBAC_KINDS})
            self._versions = versions
        return self._policy
