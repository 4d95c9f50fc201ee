"""The verbs on one host: each computes from the newest state without waiting, then waits for the disk.

Reads and watches see what is durable. The semantics are those of a real API server: generations, no-op writes,
finalizers, owners, field managers, dry runs, pages, watch history.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

from kodkod.clock import Clock, rfc3339
from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds import NAMESPACE, Kind
from kodkod.resources.label_selectors import SelectorTextError, check_fields, parse_fields, parse_labels
from kodkod.resources.validation import Checks
from kodkod.store.embedded import admission, apply, ownership, patches
from kodkod.store.embedded.admission import Author, copied
from kodkod.store.embedded.history import Matches, seen_as
from kodkod.store.embedded.journal import Journal
from kodkod.store.embedded.ownership import Owner
from kodkod.store.embedded.pages import Bookmark
from kodkod.store.embedded.removal import Removal
from kodkod.store.embedded.state import Change, Key
from kodkod.store.embedded.transactions import Transactions
from kodkod.store.errors import AlreadyExists, BadRequest, Gone, UnsupportedPatch, VersionTooLarge
from kodkod.store.protocol import (
    FieldValidation,
    ObjectList,
    Patch,
    Preconditions,
    Warnings,
    WatchEvent,
)

BOOKMARK_S = 10.0
"""An idle watch that asked for bookmarks hears the version this often, so that it can resume without a fresh list."""

MEMORY = ":memory:"
_UNSUPPORTED = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)


class EmbeddedResources:
    """Implements `kodkod.store.Resources` over one SQLite file (or `MEMORY`). Lives on the loop that opened it."""

    def __init__(
        self, path: Path | str, clock: Clock, *, checks: Checks | None = None, generator: random.Random | None = None
    ) -> None:
        """checks: asked of every object that is written. generator: makes the ends of generated names."""
        self.checks = checks if checks is not None else Checks()
        self._clock = clock
        self._generator = generator if generator is not None else random.Random()
        self._store = Transactions(Journal(str(path)))

    async def open(self) -> None:
        """Read what the file holds. Raises RuntimeError for a file of a newer version."""
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    def kind_version(self, kind: Kind) -> int:
        """A number that grows whenever an object of the kind changes (`access.PolicySource`)."""
        return self._store.committed.version(kind)

    def snapshot(self, kind: Kind) -> Iterable[Object]:
        """All objects of the kind, shared (`access.PolicySource`)."""
        return self._store.committed.objects(kind)

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object:
        obj = self._store.committed.get(kind, key_of(kind, name, namespace))
        if obj is None:
            raise admission.not_found(kind, name)
        return copied(obj)

    async def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", field_selector: str = "",
        limit: int = 0, continue_token: str = "", resource_version: str = "",
    ) -> ObjectList:  # fmt: skip
        matches = selection(kind, label_selector, field_selector)
        version, after = self._store.version, None
        if continue_token:
            bookmark = Bookmark.of(continue_token)
            if bookmark.version < self._store.history.topic(kind).dropped:
                raise Gone("The provided continue parameter is too old to display a consistent list result.")
            version, after = bookmark.version, bookmark.after
        self._refuse_future(resource_version)
        items: list[Object] = []
        token, remaining = "", None
        keys = self._store.committed.keys(kind, namespace, after)
        for index, key in enumerate(keys):
            if limit and len(items) == limit:
                token = Bookmark(version, keys[index - 1]).token()
                remaining = None if matches else len(keys) - index
                break
            obj = self._store.committed.get(kind, key)
            if obj is not None and (matches is None or matches(obj)):
                items.append(obj)
        return ObjectList(items, str(version), token, remaining)

    def _refuse_future(self, resource_version: str) -> None:
        if resource_version and version_of(resource_version) > self._store.version:
            cause = Cause("ResourceVersionTooLarge", "Too large resource version", "")
            message = f"Too large resource version: {resource_version}, current: {self._store.version}"
            raise VersionTooLarge(message, causes=[cause])

    async def create(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, field_manager: str = "", dry_run: bool = False,
        field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        author = Author(field_validation, warnings if warnings is not None else [])
        fresh = admission.shaped(kind, obj, author)
        admission.placed(kind, fresh, namespace)
        writer = self._owner(kind, field_manager, "Update", "")
        return await self._create(kind, fresh, author, None, writer, dry_run=dry_run)

    async def _create(
        self, kind: Kind, fresh: Object, author: Author, owners: Iterable[Owner] | None, writer: Owner, *, dry_run: bool
    ) -> Object:
        """fresh: shaped and placed, ours to change. owners: as apply made them; None lets the writer own everything."""
        metadata, head = fresh["metadata"], self._store.head
        place = metadata.get("namespace", "")
        generated = admission.named(metadata, lambda name: head.get(kind, (place, name)) is not None, self._generator)
        admission.born(kind, fresh, self._now())
        admission.checked(kind, fresh, self.checks, author, generated=generated)
        key = (place, metadata["name"])
        self._refuse_namespace(place)
        if head.get(kind, key) is not None:
            raise AlreadyExists(
                f'{kind.qualified} "{key[1]}" already exists', kind=kind.plural, group=kind.group, name=key[1]
            )
        if owners is None:
            owners = ownership.after_update(kind, None, fresh, [], writer)
        ownership.write(fresh, owners)
        if dry_run:
            return fresh
        return await self._commit("ADDED", kind, key, fresh, None)

    def _refuse_namespace(self, name: str) -> None:
        if not name:
            return
        namespace = self._store.head.get(NAMESPACE, ("", name))
        if namespace is None:
            raise admission.not_found(NAMESPACE, name)
        if namespace["metadata"].get("deletionTimestamp"):
            raise admission.forbidden_namespace(name)

    async def update(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, subresource: str = "", field_manager: str = "",
        dry_run: bool = False, field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        author = Author(field_validation, warnings if warnings is not None else [])
        proposed = admission.shaped(kind, obj, author)
        admission.placed(kind, proposed, namespace)
        metadata = proposed["metadata"]
        key, live = self._live(kind, str(metadata.get("name", "")), metadata.get("namespace"))
        if kind.model is not None and not metadata.get("resourceVersion"):
            cause = invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise admission.refused(kind, key[1], [cause])
        writer = self._owner(kind, field_manager, "Update", subresource)
        return await self._replace(kind, key, live, proposed, author, writer, dry_run=dry_run)

    async def patch(
        self, kind: Kind, name: str, body: object, namespace: str | None = None, *, how: Patch = Patch.MERGE,
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
        field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        author = Author(field_validation, warnings if warnings is not None else [])
        if how is Patch.APPLY:
            applier = self._owner(kind, field_manager, "Apply", subresource)
            return await self._apply(kind, name, body, namespace, author, applier, force=force, dry_run=dry_run)
        if how is Patch.STRATEGIC and kind.model is not None:
            raise UnsupportedPatch(_UNSUPPORTED)
        key, live = self._live(kind, name, namespace)
        patched = patches.json_patch(copied(live), body) if how is Patch.JSON else patches.merge(copied(live), body)
        if not isinstance(patched, dict):
            raise BadRequest("a patch must leave an object")
        proposed = admission.shaped(kind, patched, author)
        admission.placed(kind, proposed, namespace)
        writer = self._owner(kind, field_manager, "Update", subresource)
        return await self._replace(kind, key, live, proposed, author, writer, dry_run=dry_run)

    async def _replace(
        self, kind: Kind, key: Key, live: Object, proposed: Object, author: Author, writer: Owner, *, dry_run: bool
    ) -> Object:
        """An ordinary write: what it changed becomes the writer's."""
        result = admission.succeeding(kind, live, proposed, writer.subresource)
        admission.checked(kind, result, self.checks, author)
        kept = ownership.read(result if "managedFields" in result["metadata"] else live)
        ownership.write(result, ownership.after_update(kind, live, result, kept, writer))
        return await self._take(kind, key, live, result, dry_run=dry_run)

    async def _apply(
        self, kind: Kind, name: str, body: object, namespace: str | None, author: Author, applier: Owner, *,
        force: bool, dry_run: bool,
    ) -> Object:  # fmt: skip
        if not isinstance(body, dict):
            raise BadRequest("an applied configuration is an object")
        wanted = admission.shaped(kind, body, author)
        if wanted["metadata"].pop("managedFields", None):
            raise BadRequest("metadata.managedFields must be nil")
        admission.placed(kind, wanted, namespace)
        wanted["metadata"].setdefault("name", name)
        if applier.subresource == "status":
            wanted = {part: wanted[part] for part in ("apiVersion", "kind", "metadata", "status") if part in wanted}
        elif kind.status:
            wanted.pop("status", None)
        key = key_of(kind, name, namespace)
        live = self._store.head.get(kind, key)
        base = live if live is not None else {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}}
        result, owners = apply.merged(kind, base, wanted, ownership.read(base), applier, force=force)
        if live is None:
            if applier.subresource:
                raise admission.not_found(kind, name)
            return await self._create(kind, result, author, owners, applier, dry_run=dry_run)
        result = admission.succeeding(kind, live, result, applier.subresource)
        admission.checked(kind, result, self.checks, author)
        ownership.write(result, owners)
        return await self._take(kind, key, live, result, dry_run=dry_run)

    async def _take(self, kind: Kind, key: Key, live: Object, result: Object, *, dry_run: bool) -> Object:
        """Keep a result: nothing where nothing changed, a removal where the last finalizer went."""
        if admission.is_same(live, result):
            return copied(live)
        if dry_run:
            return result
        metadata = result["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            removal = Removal(self._store.head, self._store.next_version, self._now())
            gone = removal.remove(kind, key, result)
            await self._store.commit(removal.changes)
            return copied(gone)
        return await self._commit("MODIFIED", kind, key, result, live)

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, preconditions: Preconditions | None = None,
        orphan: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        key, live = self._live(kind, name, namespace)
        if preconditions is not None:
            admission.check_deletable(kind, live, preconditions.uid, preconditions.resource_version)
        if dry_run:
            return copied(live)
        removal = Removal(self._store.head, self._store.next_version, self._now())
        last = removal.delete(kind, key, orphan=orphan)
        if removal.changes:
            await self._store.commit(removal.changes)
        return copied(last)

    async def watch(
        self, kind: Kind, namespace: str | None = None, *, resource_version: str, label_selector: str = "",
        field_selector: str = "", bookmarks: bool = False, initial_events: bool = False,
    ) -> AsyncIterator[WatchEvent]:  # fmt: skip
        matches = selection(kind, label_selector, field_selector)
        topic = self._store.history.topic(kind)
        begins_anew = initial_events or resource_version in ("", "0")
        version = self._store.version if begins_anew else version_of(resource_version)
        if version > self._store.version:
            raise Gone(f"too large resource version: {version}, current: {self._store.version}")
        position = topic.position(version)
        if begins_anew:
            for obj in list_of(self._store.committed.objects(kind, namespace)):
                if matches is None or matches(obj):
                    yield WatchEvent("ADDED", obj)
            if initial_events:
                yield bookmark_event(kind, version, ends_initial=True)
        while True:
            changes, position = topic.since(position)
            seen = self._store.version
            for change in changes:
                if namespace is None or change.key[0] == namespace:
                    type_ = seen_as(change, matches)
                    if type_ is not None:
                        yield topic.event(change, type_)
            if bookmarks and seen > version and not changes:
                yield bookmark_event(kind, seen)
                version = seen
            await topic.wait(position, BOOKMARK_S)

    def _live(self, kind: Kind, name: str, namespace: str | None) -> tuple[Key, Object]:
        key = key_of(kind, name, namespace)
        live = self._store.head.get(kind, key)
        if live is None:
            raise admission.not_found(kind, name)
        return key, live

    async def _commit(self, type: Any, kind: Kind, key: Key, obj: Object, previous: Object | None) -> Object:
        version = self._store.next_version()
        obj["metadata"]["resourceVersion"] = str(version)
        change = Change(version, kind, type, key, obj, previous)
        self._store.head.put(change)
        await self._store.commit([change])
        return copied(obj)

    def _owner(self, kind: Kind, manager: str, operation: str, subresource: str) -> Owner:
        return Owner(manager or "unknown", operation, subresource, kind.api_version, self._now(), frozenset())

    def _now(self) -> str:
        return rfc3339(self._clock.now())


list_of: Callable[[Iterable[Object]], Iterable[Object]] = tuple
"""A copy to iterate over while others write."""


def key_of(kind: Kind, name: str, namespace: str | None) -> Key:
    if kind.namespaced and not namespace:
        raise BadRequest(f"a namespace is required for {kind.plural}")
    return (namespace or "", name) if kind.namespaced else ("", name)


def version_of(text: str) -> int:
    """Raises BadRequest for what is no resource version."""
    if not text.isdigit():
        raise BadRequest(f"invalid resource version: {text!r}")
    return int(text)


def selection(kind: Kind, label_selector: str, field_selector: str) -> Matches | None:
    """Whether an object is meant by both selectors; None where they mean everything. Raises BadRequest."""
    try:
        labels, fields = parse_labels(label_selector), parse_fields(field_selector)
        allowed = {"metadata.name", "metadata.namespace", *kind.field_selectors}
        check_fields(fields, allowed.__contains__)
    except SelectorTextError as error:
        raise BadRequest(str(error)) from error
    if not labels and not fields:
        return None
    return lambda obj: labels.matches(obj["metadata"].get("labels") or {}) and fields.matches(obj)


def bookmark_event(kind: Kind, version: int, *, ends_initial: bool = False) -> WatchEvent:
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if ends_initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return WatchEvent("BOOKMARK", {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata})
