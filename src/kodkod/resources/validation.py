"""Is this object one of its kind? Pruning, defaults and checks, with the messages that kubectl users know.

Three passes over the structural schema, in the order of a Kubernetes API server: `prune` takes away what it does not
know, `fill_defaults` adds what the author left out, `faults` says what is wrong. What needs another language (a query)
is asked of further checks that the doors add to `Checks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kodkod.resources import Object
from kodkod.resources.findings import Advice, Cause, Finding, invalid, not_supported, required
from kodkod.resources.kinds.kind import Check, Kind
from kodkod.resources.schema import Schema, structural

METADATA_FIELDS = frozenset(
    {
        "name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
        "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
        "managedFields", "selfLink",
    }
)  # fmt: skip

_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
    "array": (list,),
}  # fmt: skip


class Checks:
    """Checks of the kinds themselves, and those that a door adds from its features."""

    def __init__(self) -> None:
        self._added: dict[Kind, list[Check]] = {}

    def add(self, kind: Kind, check: Check) -> None:
        """Also ask this of every object of the kind that is written from now on."""
        self._added.setdefault(kind, []).append(check)

    def findings(self, kind: Kind, obj: Object) -> Iterator[Finding]:
        if kind.check is not None:
            yield from kind.check(obj)
        for check in self._added.get(kind, ()):
            yield from check(obj)


def prune(kind: Kind, obj: Object) -> list[str]:
    """Take away unknown fields and nulls, in place; answers the paths of the unknown ones."""
    unknown: list[str] = []
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        for name in [name for name in metadata if name not in METADATA_FIELDS]:
            unknown.append(f"metadata.{name}")
            del metadata[name]
    schema = structural(kind)
    if schema is not None:
        known = {**schema["properties"], "apiVersion": {}, "kind": {}, "metadata": {}}
        _prune_object({**schema, "properties": known}, obj, "", unknown, skip=frozenset({"metadata"}))
    return unknown


def _prune(schema: Schema, value: Any, path: str, unknown: list[str]) -> None:
    if isinstance(value, dict):
        _prune_object(schema, value, path, unknown)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            _prune(schema["items"], item, f"{path}[{index}]", unknown)


def _prune_object(
    schema: Schema, value: dict[str, Any], path: str, unknown: list[str], skip: frozenset[str] = frozenset()
) -> None:
    properties = schema.get("properties")
    values = schema.get("additionalProperties")
    keep = schema.get("x-kubernetes-preserve-unknown-fields") or (properties is None and values is None)
    for name in list(value):
        where = f"{path}.{name}" if path else name
        child = (properties or {}).get(name, values)
        if child is None and not keep:
            unknown.append(where)
            del value[name]
        elif value[name] is None and not keep:
            del value[name]
        elif child and name not in skip:
            _prune(child, value[name], where, unknown)


def fill_defaults(schema: Schema, value: Any) -> None:
    """Add the schema's defaults where nothing is said, in place."""
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name not in value and "default" in child:
                value[name] = _copy(child["default"])
            if name in value:
                fill_defaults(child, value[name])
        if isinstance(schema.get("additionalProperties"), dict):
            for item in value.values():
                fill_defaults(schema["additionalProperties"], item)
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            fill_defaults(schema["items"], item)


def _copy(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value


def faults(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    """Everything wrong with a value by the schema alone; path: where it stands, "" for the object itself."""
    if schema.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, int | str):
            yield _wrong_type(path, value, "integer or string")
        return
    expected = schema.get("type")
    if expected and not _is(value, expected):
        yield _wrong_type(path, value, expected)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield not_supported(path, value, [choice for choice in schema["enum"] if choice != ""])
        return
    match value:
        case str():
            yield from _text_faults(schema, value, path)
        case bool():
            return
        case int() | float():
            yield from _number_faults(schema, value, path)
        case dict():
            yield from _object_faults(schema, value, path)
        case list():
            yield from _array_faults(schema, value, path)


def _is(value: Any, expected: str) -> bool:
    if expected == "integer" and isinstance(value, float):
        return value.is_integer()
    if isinstance(value, bool) and expected != "boolean":
        return False
    return isinstance(value, _TYPES[expected])


def _type_name(value: Any) -> str:
    for name in ("boolean", "integer", "number", "string", "object", "array"):
        if _is(value, name):
            return name
    return "null"


def _wrong_type(path: str, value: Any, expected: str) -> Cause:
    found = _type_name(value)
    detail = f'Invalid value: "{found}": {path} in body must be of type {expected}: "{found}"'
    return Cause("FieldValueTypeInvalid", detail, path)


def _text_faults(schema: Schema, value: str, path: str) -> Iterator[Cause]:
    if len(value) > schema.get("maxLength", len(value)):
        yield Cause("FieldValueTooLong", f"Too long: may not be longer than {schema['maxLength']}", path)
    if len(value) < schema.get("minLength", 0):
        yield invalid(path, value, f"{path} in body should be at least {schema['minLength']} chars long")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield invalid(path, value, f"{path} in body should match '{schema['pattern']}'")
    if schema.get("format") == "date-time" and not is_time(value):
        yield invalid(path, value, f'{path} in body must be of type date-time: "{value}"')


def is_time(text: str) -> bool:
    """Whether this is RFC 3339, such as 2026-11-25T12:00:00Z."""
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _number_faults(schema: Schema, value: float, path: str) -> Iterator[Cause]:
    if value > schema.get("maximum", value):
        yield invalid(path, value, f"{path} in body should be less than or equal to {schema['maximum']}")
    if value < schema.get("minimum", value):
        yield invalid(path, value, f"{path} in body should be greater than or equal to {schema['minimum']}")


def _object_faults(schema: Schema, value: dict[str, Any], path: str) -> Iterator[Cause]:
    prefix = f"{path}." if path else ""
    for name in schema.get("required", ()):
        if name not in value:
            yield required(f"{prefix}{name}")
    for name, child in schema.get("properties", {}).items():
        if name in value:
            yield from faults(child, value[name], f"{prefix}{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        for name, item in value.items():
            if name not in schema.get("properties", {}):
                yield from faults(schema["additionalProperties"], item, f"{prefix}{name}")


def _array_faults(schema: Schema, value: list[Any], path: str) -> Iterator[Cause]:
    if len(value) > schema.get("maxItems", len(value)):
        limit = schema["maxItems"]
        yield Cause("FieldValueTooMany", f"Too many: {len(value)}: must have at most {limit} items", path)
        return
    for index, item in enumerate(value):
        yield from faults(schema.get("items", {}), item, f"{path}[{index}]")
    keys = schema.get("x-kubernetes-list-map-keys")
    if keys:
        seen: list[tuple[Any, ...]] = []
        for index, item in enumerate(value):
            key = tuple(item.get(name) for name in keys) if isinstance(item, dict) else ()
            if key in seen:
                yield Cause("FieldValueDuplicate", f"Duplicate value: {list(key)}", f"{path}[{index}]")
            seen.append(key)


def judge(kind: Kind, obj: Object, checks: Checks) -> tuple[list[Cause], list[str]]:
    """Give the object its defaults and stored spelling, in place; answers what is wrong, and advice for the author."""
    schema = structural(kind)
    if schema is None:
        return [], []
    fill_defaults(schema, obj)
    causes = list(faults(schema, obj, ""))
    if causes:
        return causes, []
    if kind.normalise is not None:
        kind.normalise(obj)
    found = list(checks.findings(kind, obj))
    return (
        [finding for finding in found if isinstance(finding, Cause)],
        [finding.message for finding in found if isinstance(finding, Advice)],
    )
