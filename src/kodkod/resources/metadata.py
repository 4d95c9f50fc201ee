"""Are an object's name, labels and annotations well formed?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kodkod.resources.findings import Cause, invalid, required
from kodkod.resources.kinds.kind import Kind

NAME_MAX = 253
ANNOTATIONS_BYTES_MAX = 262_144

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character, and be no more than 63 characters"
)


def name_causes(kind: Kind, name: Any, *, generated: bool = False) -> Iterator[Cause]:
    """What is wrong with a name. generated: it was made from generateName."""
    field = "metadata.generateName" if generated else "metadata.name"
    if not name:
        yield required("metadata.name", "name or generateName is required")
    elif not isinstance(name, str):
        yield invalid(field, name, "must be text")
    elif kind.free_names:
        if "/" in name or "%" in name or name in (".", ".."):
            yield invalid(field, name, "may not contain '/' or '%', nor be '.' or '..'")
    elif not _SUBDOMAIN.fullmatch(name):
        yield invalid(field, name, _SUBDOMAIN_RULE)
    if isinstance(name, str) and len(name) > NAME_MAX:
        yield invalid(field, name[:40], f"must be no more than {NAME_MAX} characters")


def metadata_causes(metadata: dict[str, Any]) -> Iterator[Cause]:
    """What is wrong with labels, annotations, finalizers and owners."""
    for field in ("labels", "annotations"):
        yield from _map_causes(metadata.get(field), f"metadata.{field}")
    for key, value in _items(metadata.get("labels")):
        if isinstance(value, str) and value and not (_QUALIFIED.fullmatch(value) and len(value) <= 63):
            yield invalid("metadata.labels", value, _LABEL_RULE)
        if not _is_qualified(key):
            yield invalid("metadata.labels", key, "a label key is [prefix/]name, the name at most 63 characters")
    size = sum(len(key) + len(str(value)) for key, value in _items(metadata.get("annotations")))
    if size > ANNOTATIONS_BYTES_MAX:
        yield Cause(
            "FieldValueTooLong", f"Too long: may not be more than {ANNOTATIONS_BYTES_MAX} bytes", "metadata.annotations"
        )
    for field in ("finalizers", "ownerReferences", "managedFields"):
        if not isinstance(metadata.get(field, []), list):
            yield invalid(f"metadata.{field}", metadata[field], "must be a list")
    yield from _owner_causes(metadata.get("ownerReferences"))


def _map_causes(value: Any, field: str) -> Iterator[Cause]:
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        yield Cause("FieldValueTypeInvalid", "Invalid value: must be a map of text to text", field)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and not _SUBDOMAIN.fullmatch(prefix):
        return False
    return bool(_QUALIFIED.fullmatch(name)) and len(name) <= 63


def _owner_causes(owners: Any) -> Iterator[Cause]:
    for index, owner in enumerate(owners if isinstance(owners, list) else []):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not isinstance(owner, dict) or not owner.get(name):
                yield required(f"metadata.ownerReferences[{index}].{name}")
