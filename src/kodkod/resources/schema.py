"""What schema do clients see of a kind? The structural one that Kubernetes knows, made from the kind's model.

Structural means: no `$ref`, no `anyOf` around types, one type at each node, defaults and descriptions in place. The
same tree drives pruning, defaulting, validation, server-side apply, OpenAPI and the CRDs, so that they cannot disagree.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

from kodkod.resources.kinds.kind import Kind

Schema = dict[str, Any]

_DROPPED = frozenset({"title", "additionalProperties", "$defs"})


@lru_cache(maxsize=256)
def structural(kind: Kind) -> Schema | None:
    """The schema of a kind's object below `apiVersion`, `kind` and `metadata`; None for a free-form kind.

    The answer is shared: do not change it.
    """
    if kind.model is None:
        return None
    raw = kind.model.model_json_schema(by_alias=True)
    schema = _plain(raw, raw.get("$defs", {}))
    schema["description"] = " ".join(inspect.cleandoc(kind.description).split())
    return schema


def _plain(node: Schema, definitions: dict[str, Schema]) -> Schema:
    node = _resolved(node, definitions)
    plain: Schema = {key: value for key, value in node.items() if key not in _DROPPED}
    if plain.get("default", ...) is None:
        del plain["default"]
    elif isinstance(plain.get("default"), dict):
        plain["default"] = {}  # what is inside has defaults of its own
    if "description" in plain:
        plain["description"] = " ".join(plain["description"].split())
    if "const" in plain:
        plain["enum"] = [plain.pop("const")]
    if isinstance(node.get("additionalProperties"), dict):
        plain["additionalProperties"] = _plain(node["additionalProperties"], definitions)
    if "properties" in plain:
        plain["properties"] = {name: _plain(child, definitions) for name, child in plain["properties"].items()}
    if "items" in plain:
        plain["items"] = _plain(plain["items"], definitions)
    if not plain.get("required", True):
        del plain["required"]
    return plain


def _resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """The node with its `$ref` and its "or null" taken away; what stands beside them wins."""
    while True:
        if "$ref" in node:
            name = node["$ref"].rsplit("/", 1)[-1]
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**definitions[name], **beside}
        elif "anyOf" in node:
            options = [option for option in node["anyOf"] if option.get("type") != "null"]
            if len(options) != 1:
                raise ValueError(f"a model may offer one type or nothing, not {node['anyOf']}")
            beside = {key: value for key, value in node.items() if key != "anyOf"}
            node = {**options[0], **beside}
        else:
            return node
