"""Which fields of an object are meant? Sets of paths, and their spelling in `metadata.managedFields` (fieldsV1).

A path is a tuple of elements as fieldsV1 spells them: `f:spec`, `k:{"type":"Ready"}` for an item of a map list,
`v:"x"` for one of a set list. A leaf is what server-side apply can own: a scalar, an atomic list, an empty map.
An item of a map list is a member itself too (`.` in fieldsV1), so that withdrawing it can be told from emptying it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kodkod.resources import Object
from kodkod.resources.kinds import Kind
from kodkod.resources.schema import Schema, structural

Path = tuple[str, ...]

ITEM = object()
"""The value of a map list's item itself, whatever is in it."""

# Maintained by the server, or naming the object: nobody owns them.
_UNOWNED = frozenset(
    {
        "name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "managedFields", "selfLink", "generateName",
    }
)  # fmt: skip

_METADATA: Schema = {
    "type": "object",
    "properties": {
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        "finalizers": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "ownerReferences": {
            "type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["uid"],
        },
    },
}  # fmt: skip


def schema_of(kind: Kind) -> Schema:
    """The schema of the whole object, metadata included; an open one for free-form kinds."""
    known = structural(kind) or {"type": "object", "properties": {}}
    return {**known, "properties": {**known["properties"], "metadata": _METADATA}}


def leaves(kind: Kind, obj: Object) -> dict[Path, Any]:
    """Every ownable field of an object with its value."""
    owned = {name: value for name, value in obj.items() if name not in ("apiVersion", "kind")}
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name not in _UNOWNED}
    if metadata:
        owned["metadata"] = metadata
    else:
        owned.pop("metadata", None)
    return dict(_walk(schema_of(kind), owned, ()))


def _walk(schema: Schema, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value and not is_atomic(schema):
        for name, child in value.items():
            yield from _walk(child_schema(schema, name), child, (*path, f"f:{name}"))
    elif isinstance(value, list) and value and list_type(schema) != "atomic":
        for item in value:
            element = element_of(schema, item)
            if list_type(schema) == "map":
                yield (*path, element), ITEM
                for name, child in item.items():
                    yield from _walk(child_schema(schema["items"], name), child, (*path, element, f"f:{name}"))
            else:
                yield (*path, element), item
    elif path:
        yield path, value


def is_atomic(schema: Schema) -> bool:
    return schema.get("x-kubernetes-map-type") == "atomic"


def list_type(schema: Schema) -> str:
    return str(schema.get("x-kubernetes-list-type", "atomic"))


def child_schema(schema: Schema, name: str) -> Schema:
    child = schema.get("properties", {}).get(name)
    if child is None:
        child = schema.get("additionalProperties")
    return child if isinstance(child, dict) else {}


def element_of(schema: Schema, item: Any) -> str:
    """How an item of a set or map list is named in a path."""
    if list_type(schema) == "set":
        return "v:" + _compact(item)
    keys = schema["x-kubernetes-list-map-keys"]
    return "k:" + _compact({name: item.get(name) for name in sorted(keys)})


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def to_fields_v1(paths: Iterable[Path]) -> dict[str, Any]:
    """The nested form: `{"f:spec": {"f:selector": {}}}`; a member that has members below is marked with `.`."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for element in path[:-1]:
            node = node.setdefault(element, {})
        node.setdefault(path[-1], {})
        if path[-1].startswith("k:"):
            node[path[-1]]["."] = {}
    return root


def from_fields_v1(nested: Any) -> frozenset[Path]:
    """The paths of a nested form; what is not of that form is ignored."""
    return frozenset(_paths(nested, ())) if isinstance(nested, dict) else frozenset()


def _paths(nested: dict[str, Any], path: Path) -> Iterator[Path]:
    if not nested and path:
        yield path
    for element, child in nested.items():
        if element == ".":
            if path:
                yield path
        elif isinstance(child, dict):
            yield from _paths(child, (*path, element))


def shown(path: Path) -> str:
    """A path as an error shows it: `.spec.selector`, `.status.conditions[type="Ready"].reason`."""
    text = ""
    for element in path:
        body = element[2:]
        if element.startswith("f:"):
            text += f".{body}"
        elif element.startswith("k:"):
            text += "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in json.loads(body).items()) + "]"
        else:
            text += f"[={body}]"
    return text
