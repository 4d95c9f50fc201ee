"""How does `kubectl get` show objects? As Table rows with a kind's columns, or as metadata alone.

Source: meta.k8s.io/v1 Table and PartialObjectMetadata.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kodkod.resources import Object
from kodkod.resources.kinds import Kind
from kodkod.resources.kinds.kind import Cell, Column

Json = dict[str, Any]

NAME = {"name": "Name", "type": "string", "format": "name", "description": "Name of the object.", "priority": 0}
AGE = {"name": "Age", "type": "string", "format": "", "description": "Time since creation.", "priority": 0}


def table(kind: Kind, items: Sequence[Object], metadata: Json, now: datetime, include: str = "Metadata") -> Json:
    """A Table. metadata: the list's. include: `Metadata`, `Object` or `None`, as `includeObject` asks."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": [NAME, *(definition(column) for column in kind.columns), AGE],
        "rows": [row(kind, obj, now, include) for obj in items],
    }


def definition(column: Column) -> Json:
    return {
        "name": column.name,
        "type": "string" if column.type == "date" else column.type,
        "format": "",
        "description": column.description,
        "priority": column.priority,
    }


def row(kind: Kind, obj: Object, now: datetime, include: str) -> Json:
    cells = [obj["metadata"]["name"], *(cell(column, obj, now) for column in kind.columns)]
    found: Json = {"cells": [*cells, age(obj["metadata"].get("creationTimestamp"), now)]}
    if include == "Object":
        found["object"] = obj
    elif include != "None":
        found["object"] = partial(obj)
    return found


def cell(column: Column, obj: Object, now: datetime) -> Cell:
    """What stands in a column: computed, or found at its path; a date is shown as an age."""
    value = column.value(obj) if column.value is not None else at_path(obj, column.path)
    return age(value, now) if column.type == "date" and isinstance(value, str) else value


def at_path(obj: Object, path: str) -> Cell:
    """The value at a simple `.a.b` path; what is no single value is shown as kubectl shows it: not at all."""
    value: Any = obj
    for name in path.strip(".").split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value if isinstance(value, str | int | float | bool) else None


def partial(obj: Object) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def age(moment: Cell, now: datetime) -> str:
    """Time since a moment in kubectl's short form: `5s`, `3m20s`, `4h`, `2d5h`, `1y30d`."""
    if not isinstance(moment, str):
        return "<unknown>"
    try:
        seconds = int((now - datetime.fromisoformat(moment).astimezone(UTC)).total_seconds())
    except ValueError:
        return "<invalid>"
    if seconds < -1:
        return "<invalid>"
    return short(max(seconds, 0))


def short(seconds: int) -> str:
    """Two units where the first alone would be coarse; the same limits as Kubernetes' duration.HumanDuration."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return joined(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return joined(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return joined(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return joined(days // 365, "y", days % 365, "d")


def joined(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}" if small == 0 else f"{large}{large_unit}{small}{small_unit}"
