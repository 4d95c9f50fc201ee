"""Who owns which field? The entries of `metadata.managedFields`, and how writes move fields between them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from kodkod.resources import Object
from kodkod.resources.kinds import Kind
from kodkod.store.embedded.fields import Path, from_fields_v1, leaves, to_fields_v1

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry. operation: `Apply` or `Update`."""

    manager: str
    operation: str
    subresource: str
    api_version: str
    time: str
    fields: frozenset[Path]

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.manager, self.operation, self.subresource

    def entry(self) -> dict[str, Any]:
        shown = {
            "apiVersion": self.api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(self.fields),
            "manager": self.manager,
            "operation": self.operation,
            "time": self.time,
        }
        return {**shown, "subresource": self.subresource} if self.subresource else shown


def read(obj: Object) -> list[Owner]:
    """The entries of an object; malformed ones are left out."""
    entries = (obj.get("metadata") or {}).get("managedFields") or []
    return [
        Owner(
            manager=str(entry.get("manager", "")),
            operation=str(entry.get("operation", "")),
            subresource=str(entry.get("subresource", "")),
            api_version=str(entry.get("apiVersion", "")),
            time=str(entry.get("time", "")),
            fields=from_fields_v1(entry.get("fieldsV1")),
        )
        for entry in entries
        if isinstance(entry, dict) and entry.get("operation") in ("Apply", "Update")
    ]


def write(obj: Object, owners: Iterable[Owner]) -> None:
    """Put the entries that still own something into the object."""
    entries = [owner.entry() for owner in owners if owner.fields]
    metadata = obj["metadata"]
    if entries:
        metadata["managedFields"] = entries
    else:
        metadata.pop("managedFields", None)


def after_update(kind: Kind, old: Object | None, new: Object, owners: list[Owner], writer: Owner) -> list[Owner]:
    """The entries after an ordinary write: what it changed is the writer's alone, what it removed is nobody's.

    writer: the entry's identity and time; its fields are ignored.
    """
    before = leaves(kind, old) if old else {}
    after = leaves(kind, new)
    changed = frozenset(path for path, value in after.items() if before.get(path, _MISSING) != value)
    removed = frozenset(before.keys() - after.keys())
    if not changed and not removed:
        return owners
    kept = [replace(owner, fields=owner.fields - removed - changed) for owner in owners]
    own = next((owner for owner in owners if owner.identity == writer.identity), None)
    mine = ((own.fields if own else frozenset()) - removed) | changed
    others = [owner for owner in kept if owner.identity != writer.identity]
    return [*others, replace(writer, fields=mine)] if mine else others
