"""What may be asked of resources? The verbs of the Kubernetes API, not keys and values.

The embedded store implements them; over HTTP the same face speaks to any server of that API. Objects are plain dicts
in the kind's own group and version. What a method returns belongs to the caller unless it says "shared".
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, Protocol

from kodkod.resources import Object
from kodkod.resources.kinds import Kind


class Patch(Enum):
    """How a patch is meant; the value is its media type."""

    MERGE = "application/merge-patch+json"
    JSON = "application/json-patch+json"
    APPLY = "application/apply-patch+yaml"
    STRATEGIC = "application/strategic-merge-patch+json"


MERGE, JSON, APPLY = Patch.MERGE, Patch.JSON, Patch.APPLY

FieldValidation = Literal["Ignore", "Warn", "Strict"]
Warnings = list[str]
"""Receives remarks for the author. An alias: inside the classes below, `list` is the verb."""
EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]


@dataclass(frozen=True, slots=True)
class ObjectList:
    """items: shared, do not change. resource_version: where a watch may start. remaining: only without selectors."""

    items: list[Object]
    resource_version: str
    continue_token: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """object: shared, do not change. encoded: a cache for doors that send one event to many watchers."""

    type: EventType
    object: Object
    encoded: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must be true of an object for it to be deleted; empty means whatever."""

    uid: str = ""
    resource_version: str = ""


class Resources(Protocol):
    """Every method raises the errors of `kodkod.store.errors`.

    namespace: None means the object's own for a write, all namespaces for a list or watch.
    field_manager: who is writing, as `managedFields` will show. dry_run: answer, but keep nothing.
    field_validation: what happens to unknown fields; warnings: receives remarks for the author.
    """

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object: ...

    async def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", field_selector: str = "",
        limit: int = 0, continue_token: str = "", resource_version: str = "",
    ) -> ObjectList: ...  # fmt: skip

    async def create(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, field_manager: str = "", dry_run: bool = False,
        field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object: ...  # fmt: skip

    async def update(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, subresource: str = "", field_manager: str = "",
        dry_run: bool = False, field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object: ...  # fmt: skip

    async def patch(
        self,
        kind: Kind,
        name: str,
        body: object,
        namespace: str | None = None,
        *,
        how: Patch = Patch.MERGE,
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
        dry_run: bool = False,
        field_validation: FieldValidation = "Warn",
        warnings: Warnings | None = None,
    ) -> Object:
        """Change an object; with APPLY also make it. body: a dict, or for JSON a list of operations."""
        ...

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str | None = None,
        *,
        preconditions: Preconditions | None = None,
        orphan: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Mark for deletion while finalizers hold, else remove; answers the object as it was last.

        orphan: objects that it owns lose their reference instead of being removed with it.
        """
        ...

    def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = False,
        initial_events: bool = False,
    ) -> AsyncIterator[WatchEvent]:
        """Changes after a resource version, until the caller stops or the connection ends.

        "" and "0" begin with an ADDED for each present object. Raises Gone when the version is no longer held, also
        midway for a watcher that fell behind; Unavailable when the connection breaks.
        """
        ...  # fmt: skip
