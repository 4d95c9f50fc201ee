"""What goes when an object goes? It, what it owns, and for a namespace all that is in it; finalizers hold each back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kodkod.resources import Object
from kodkod.resources.kinds import ALL, NAMESPACE, Kind
from kodkod.store.embedded.admission import copied
from kodkod.store.embedded.state import Change, Key, State, owner_uids

NextVersion = Callable[[], int]


class Removal:
    """One deletion at work: applies each step to `head` as it makes it, and collects the changes."""

    def __init__(self, head: State, next_version: NextVersion, now: str) -> None:
        self._head = head
        self._next_version = next_version
        self._now = now
        self.changes: list[Change] = []

    def delete(self, kind: Kind, key: Key, *, orphan: bool = False) -> Object:
        """Mark the object while finalizers hold, else remove it with what depends on it. Answers it as it is then."""
        live = self._head.get(kind, key)
        assert live is not None, "the caller has looked"
        if kind is NAMESPACE:
            self._empty(key[1])
        if live["metadata"].get("finalizers") or (kind is NAMESPACE and self._is_in_use(key[1])):
            return self._mark(kind, key, live)
        return self.remove(kind, key, live, orphan=orphan)

    def remove(self, kind: Kind, key: Key, live: Object, *, orphan: bool = False) -> Object:
        """Take the object away, then see to its dependents and to a namespace that waited for it."""
        gone = self._step("DELETED", kind, key, copied(live), live)
        for dependent_kind, dependent_key in self._head.dependents(live["metadata"].get("uid", "")):
            self._release(dependent_kind, dependent_key, live["metadata"]["uid"], orphan=orphan)
        self._close_namespace(key[0])
        return gone

    def _release(self, kind: Kind, key: Key, uid: str, *, orphan: bool) -> None:
        dependent = self._head.get(kind, key)
        if dependent is None:
            return
        others = [owner for owner in owner_uids(dependent) if owner != uid]
        if not orphan and not others:
            self.delete(kind, key)
            return
        changed = copied(dependent)
        references = [owner for owner in changed["metadata"]["ownerReferences"] if owner.get("uid") != uid]
        if references:
            changed["metadata"]["ownerReferences"] = references
        else:
            del changed["metadata"]["ownerReferences"]
        self._step("MODIFIED", kind, key, changed, dependent)

    def _mark(self, kind: Kind, key: Key, live: Object) -> Object:
        if live["metadata"].get("deletionTimestamp"):
            return live
        marked = copied(live)
        marked["metadata"]["deletionTimestamp"] = self._now
        marked["metadata"]["deletionGracePeriodSeconds"] = 0
        if kind is NAMESPACE:
            marked.setdefault("status", {})["phase"] = "Terminating"
        return self._step("MODIFIED", kind, key, marked, live)

    def _empty(self, namespace: str) -> None:
        for kind, key in list(self._inside(namespace)):
            if self._head.get(kind, key) is not None:  # it may have gone with its owner
                self.delete(kind, key)

    def _close_namespace(self, namespace: str) -> None:
        """Remove a namespace that only waited for its last object."""
        live = self._head.get(NAMESPACE, ("", namespace)) if namespace else None
        if live is None or not live["metadata"].get("deletionTimestamp"):
            return
        if not live["metadata"].get("finalizers") and not self._is_in_use(namespace):
            self.remove(NAMESPACE, ("", namespace), live)

    def _is_in_use(self, namespace: str) -> bool:
        return next(self._inside(namespace), None) is not None

    def _inside(self, namespace: str) -> Iterator[tuple[Kind, Key]]:
        for kind in ALL:
            if kind.namespaced:
                for key in self._head.keys(kind, namespace):
                    yield kind, key

    def _step(self, type: str, kind: Kind, key: Key, obj: Object, previous: Object) -> Object:
        version = self._next_version()
        obj["metadata"]["resourceVersion"] = str(version)
        change = Change(version, kind, "DELETED" if type == "DELETED" else "MODIFIED", key, obj, previous)
        self._head.put(change)
        self.changes.append(change)
        return obj
