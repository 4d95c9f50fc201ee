"""What is there right now? Objects by kind and key, their order, and who owns whom; none is changed in place."""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kodkod.resources import Object
from kodkod.resources.kinds import Kind

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is ""."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step of history. obj: the object after it, or as it was last, with the version of its removal.

    previous: as it was before; None for an addition, or where history does not know.
    """

    version: int
    kind: Kind
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    key: Key
    obj: Object
    previous: Object | None


class State:
    """All objects at one moment."""

    def __init__(self) -> None:
        self._objects: dict[Kind, dict[Key, Object]] = {}
        self._order: dict[Kind, list[Key]] = {}
        self._owned: dict[str, set[tuple[Kind, Key]]] = {}
        self._versions: dict[Kind, int] = {}

    def get(self, kind: Kind, key: Key) -> Object | None:
        return self._objects.get(kind, {}).get(key)

    def version(self, kind: Kind) -> int:
        """Version of the last change of the kind; 0 before any."""
        return self._versions.get(kind, 0)

    def keys(self, kind: Kind, namespace: str | None = None, after: Key | None = None) -> list[Key]:
        """Sorted keys of a kind, of one namespace unless None, that come after `after`."""
        order = self._order.get(kind, [])
        low, high = 0, len(order)
        if namespace is not None:
            low = bisect.bisect_left(order, (namespace, ""))
            high = bisect.bisect_left(order, (namespace + "\0", ""))
        if after is not None:
            low = max(low, bisect.bisect_right(order, after))
        return order[low:high]

    def objects(self, kind: Kind, namespace: str | None = None, after: Key | None = None) -> Iterator[Object]:
        held = self._objects.get(kind, {})
        return (held[key] for key in self.keys(kind, namespace, after))

    def dependents(self, uid: str) -> list[tuple[Kind, Key]]:
        """Objects that name an owner of this uid."""
        return sorted(self._owned.get(uid, ()), key=lambda entry: (entry[0].qualified, entry[1]))

    def put(self, change: Change) -> None:
        """Take one change in."""
        held = self._objects.setdefault(change.kind, {})
        known = held.get(change.key)
        if known is not None:
            self._forget_owners(change.kind, change.key, known)
        if change.type == "DELETED":
            if held.pop(change.key, None) is not None:
                order = self._order[change.kind]
                del order[bisect.bisect_left(order, change.key)]
        else:
            if known is None:
                bisect.insort(self._order.setdefault(change.kind, []), change.key)
            held[change.key] = change.obj
            for uid in owner_uids(change.obj):
                self._owned.setdefault(uid, set()).add((change.kind, change.key))
        self._versions[change.kind] = change.version

    def _forget_owners(self, kind: Kind, key: Key, obj: Object) -> None:
        for uid in owner_uids(obj):
            owned = self._owned.get(uid, set())
            owned.discard((kind, key))
            if not owned:
                self._owned.pop(uid, None)

    def copy(self) -> State:
        """Another state with the same objects."""
        twin = State()
        twin._objects = {kind: dict(held) for kind, held in self._objects.items()}
        twin._order = {kind: list(order) for kind, order in self._order.items()}
        twin._owned = {uid: set(owned) for uid, owned in self._owned.items()}
        twin._versions = dict(self._versions)
        return twin


def owner_uids(obj: Object) -> list[str]:
    return [str(owner.get("uid")) for owner in obj["metadata"].get("ownerReferences") or []]
