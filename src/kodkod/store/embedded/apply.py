"""What does server-side apply make of an object? The merge of what is there with what one manager wants.

A manager names all fields it cares about. A field that another owns with another value is a conflict, unless forced;
a field that the manager named before, names no more and nobody else owns is removed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kodkod.resources import Object
from kodkod.resources.findings import Cause
from kodkod.resources.kinds import Kind
from kodkod.resources.schema import Schema
from kodkod.store.embedded import fields
from kodkod.store.embedded.fields import Path
from kodkod.store.embedded.ownership import Owner
from kodkod.store.errors import Conflict

_MISSING = object()


def merged(
    kind: Kind, live: Object, wanted: Object, owners: list[Owner], applier: Owner, *, force: bool
) -> tuple[Object, list[Owner]]:
    """The object and its owners after the apply; the inputs are left as they are. Raises Conflict.

    live: the present object, or an empty one. applier: identity and time of the entry; its fields are ignored.
    """
    named = fields.leaves(kind, wanted)
    others = [owner for owner in owners if owner.identity != applier.identity]
    contested = _contested(fields.leaves(kind, live), named, others)
    if contested and not force:
        raise _conflict(contested)
    lost = frozenset(path for paths in contested.values() for path in paths)
    others = [replace(owner, fields=owner.fields - lost) for owner in others]

    result = _merge(fields.schema_of(kind), copy.deepcopy(live), wanted)
    mine = next((owner.fields for owner in owners if owner.identity == applier.identity), frozenset[Path]())
    still_owned = frozenset(path for owner in others for path in owner.fields)
    withdrawn = [
        path for path in mine - named.keys() - still_owned if not _has_members(path, still_owned | named.keys())
    ]
    for path in sorted(withdrawn, key=_removal_order):
        _remove(fields.schema_of(kind), result, path)
    return result, [*others, replace(applier, fields=frozenset(named))]


def _has_members(path: Path, members: frozenset[Path]) -> bool:
    return any(member[: len(path)] == path and member != path for member in members)


def _removal_order(path: Path) -> tuple[int, Path]:
    """Deepest first; an item's own entry after its fields, since its key fields are how the item is found."""
    return (-len(path), path)


def _contested(live: Mapping[Path, Any], named: Mapping[Path, Any], others: list[Owner]) -> dict[Owner, list[Path]]:
    contested: dict[Owner, list[Path]] = {}
    for owner in others:
        paths = [path for path in sorted(owner.fields & named.keys()) if live.get(path, _MISSING) != named[path]]
        if paths:
            contested[owner] = paths
    return contested


def _conflict(contested: Mapping[Owner, list[Path]]) -> Conflict:
    causes = [
        Cause("FieldManagerConflict", f'conflict with "{owner.manager}"{_using(owner)}', fields.shown(path))
        for owner, paths in contested.items()
        for path in paths
    ]
    plural = "conflict" if len(causes) == 1 else "conflicts"
    details = "; ".join(f"{cause.message}: {cause.field}" for cause in causes)
    return Conflict(f"Apply failed with {len(causes)} {plural}: {details}", causes=causes)


def _using(owner: Owner) -> str:
    """Of an ordinary writer also what it wrote with; an applier's name says enough."""
    if owner.operation == "Apply":
        return ""
    subresource = f' with subresource "{owner.subresource}"' if owner.subresource else ""
    return f"{subresource} using {owner.api_version}"


def _merge(schema: Schema, live: Any, wanted: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict) and not fields.is_atomic(schema):
        for name, value in wanted.items():
            live[name] = _merge(fields.child_schema(schema, name), live.get(name), value)
        return live
    if isinstance(wanted, list) and isinstance(live, list) and fields.list_type(schema) in ("set", "map"):
        return _merge_list(schema, live, wanted)
    return copy.deepcopy(wanted)


def _merge_list(schema: Schema, live: list[Any], wanted: list[Any]) -> list[Any]:
    """Items wanted keep their own order and come where the first of them stood; the others stay."""
    present = {fields.element_of(schema, item): item for item in live}
    for item in wanted:
        element = fields.element_of(schema, item)
        present[element] = _merge(schema.get("items", {}), present.get(element), item)
    return list(present.values())


def _remove(schema: Schema, obj: Any, path: Path) -> None:
    """Take one field away, and the containers that become empty by it."""
    element, rest = path[0], path[1:]
    if element.startswith("f:"):
        name = element[2:]
        if not isinstance(obj, dict) or name not in obj:
            return
        if rest:
            _remove(fields.child_schema(schema, name), obj[name], rest)
        if not rest or obj[name] in ({}, []):
            del obj[name]
        return
    if not isinstance(obj, list):
        return
    for index, item in enumerate(obj):
        if fields.element_of(schema, item) == element:
            if rest and not _is_key(schema, rest):
                _remove(schema.get("items", {}), item, rest)
            elif not rest:
                del obj[index]
            return


def _is_key(schema: Schema, rest: Path) -> bool:
    return len(rest) == 1 and rest[0][2:] in schema.get("x-kubernetes-list-map-keys", ())
