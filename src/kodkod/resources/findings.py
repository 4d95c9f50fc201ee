"""What can be wrong with an object, and where? One cause a field, in the words that kubectl users know.

Finding = Cause    the object is refused
        | Advice   the object is taken, the author is told (a `Warning` header)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

Reason = Literal[
    "FieldValueInvalid", "FieldValueRequired", "FieldValueNotSupported", "FieldValueForbidden", "FieldValueTypeInvalid",
    "FieldValueDuplicate", "FieldValueTooLong", "FieldValueTooMany", "FieldManagerConflict", "ResourceVersionTooLarge",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cause:
    """field: a path such as `spec.filters[0].ports[1]`; message: begins with the kind of fault, as Kubernetes does."""

    reason: Reason
    message: str
    field: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


@dataclass(frozen=True, slots=True)
class Advice:
    """A remark that stops nothing."""

    message: str


Finding = Cause | Advice


def shown(value: Any) -> str:
    """A value as an error shows it: strings quoted, an object by its type alone."""
    if isinstance(value, dict):
        return '"object"'
    if isinstance(value, list):
        return '"array"'
    return json.dumps(value, ensure_ascii=False)


def invalid(field: str, value: Any, detail: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}", field)


def required(field: str, detail: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value{': ' + detail if detail else ''}", field)


def not_supported(field: str, value: Any, supported: list[str]) -> Cause:
    choices = ", ".join(json.dumps(choice) for choice in supported)
    return Cause("FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {choices}", field)
