"""Would we take this object? What the embedded API asks of one and a CRD cannot: selectors, queries, templates."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from typing import Any

from kodkod.resources import Object
from kodkod.resources.crds import SHARED_WITH_CALICO
from kodkod.resources.kinds import Kind
from kodkod.resources.validation import Checks, judge, prune
from kodkod.store import ObjectList, Patch, Preconditions, Resources, WatchEvent
from kodkod.store.embedded.admission import refused
from kodkod.store.errors import BadRequest


def judged(kind: Kind, obj: Any, checks: Checks, warnings: list[str]) -> Object:
    """The object in its stored spelling. Raises Invalid with every cause found, BadRequest.

    Kinds that Calico defines too are taken as they are: its own definition may say more than ours.
    """
    if not isinstance(obj, dict):
        raise BadRequest("the request body is not an object")
    if kind in SHARED_WITH_CALICO or kind.model is None:
        return obj
    shaped = copy.deepcopy(obj)
    shaped.setdefault("metadata", {})
    shaped.pop("status", None)
    prune(kind, shaped)
    causes, advice = judge(kind, shaped, checks)
    if causes:
        raise refused(kind, str((obj.get("metadata") or {}).get("name") or ""), causes)
    warnings.extend(advice)
    if kind.normalise is None:
        return obj
    spelled = copy.deepcopy(obj)
    kind.normalise(spelled)
    return spelled


class Judged:
    """Implements `store.Resources` over a cluster's: what is written through it is judged before.

    A patch is tried first, as a dry run, and its result judged.
    """

    def __init__(self, resources: Resources, checks: Checks) -> None:
        self._resources = resources
        self._checks = checks

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object:
        return await self._resources.get(kind, name, namespace)

    async def list(self, kind: Kind, namespace: str | None = None, **options: Any) -> ObjectList:
        return await self._resources.list(kind, namespace, **options)

    async def create(self, kind: Kind, obj: Object, namespace: str | None = None, **options: Any) -> Object:
        spelled = judged(kind, obj, self._checks, _remarks(options))
        return await self._resources.create(kind, spelled, namespace, **options)

    async def update(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, subresource: str = "", **options: Any
    ) -> Object:
        spelled = obj if subresource else judged(kind, obj, self._checks, _remarks(options))
        return await self._resources.update(kind, spelled, namespace, subresource=subresource, **options)

    async def patch(
        self, kind: Kind, name: str, body: object, namespace: str | None = None, *, how: Patch = Patch.MERGE,
        subresource: str = "", dry_run: bool = False, **options: Any,
    ) -> Object:  # fmt: skip
        if kind.model is not None and not subresource:
            trial = {**options, "warnings": None}
            result = await self._resources.patch(kind, name, body, namespace, how=how, dry_run=True, **trial)
            judged(kind, result, self._checks, _remarks(options))
        return await self._resources.patch(
            kind, name, body, namespace, how=how, subresource=subresource, dry_run=dry_run, **options
        )

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, preconditions: Preconditions | None = None,
        orphan: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        return await self._resources.delete(
            kind, name, namespace, preconditions=preconditions, orphan=orphan, dry_run=dry_run
        )

    def watch(
        self, kind: Kind, namespace: str | None = None, *, resource_version: str, **options: Any
    ) -> AsyncIterator[WatchEvent]:
        return self._resources.watch(kind, namespace, resource_version=resource_version, **options)


def _remarks(options: dict[str, Any]) -> list[str]:
    given = options.get("warnings")
    return given if isinstance(given, list) else []
