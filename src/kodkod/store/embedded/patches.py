"""What does a patch make of an object? Merge patch (RFC 7396) and JSON patch (RFC 6902)."""

from __future__ import annotations

from typing import Any

import jsonpatch

from kodkod.resources import Object
from kodkod.store.errors import BadRequest, Invalid

OPERATIONS_MAX = 10_000
DEPTH_MAX = 100


def merge(obj: Any, patch: Any, depth: int = 0) -> Any:
    """The object after a merge patch: objects member by member, null removes, all else replaces. Changes `obj`."""
    if depth > DEPTH_MAX:
        raise BadRequest(f"patch is nested more than {DEPTH_MAX} deep")
    if not isinstance(patch, dict):
        return patch
    if not isinstance(obj, dict):
        obj = {}
    for name, value in patch.items():
        if value is None:
            obj.pop(name, None)
        else:
            obj[name] = merge(obj.get(name), value, depth + 1)
    return obj


def json_patch(obj: Object, operations: Any) -> Object:
    """The object after a list of operations; `obj` is left as it is. Raises Invalid when one does not apply."""
    if not isinstance(operations, list):
        raise BadRequest("a JSON patch is a list of operations")
    if len(operations) > OPERATIONS_MAX:
        raise BadRequest(f"a JSON patch may hold at most {OPERATIONS_MAX} operations")
    try:
        result: Object = jsonpatch.apply_patch(obj, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, KeyError) as error:
        raise Invalid(f"the server rejected our request due to an error in our request: {error}") from error
    if not isinstance(result, dict):
        raise Invalid("the patched document is not an object")
    return result
