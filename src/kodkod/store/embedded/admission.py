"""What becomes of an object that somebody wants to write? The server's part: names, versions, status, defaults, checks.

Pure but for the clock and the random names that are handed in. Each function returns a new object or raises a
StoreError; the object that is live is never changed.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds import NAMESPACE, Kind
from kodkod.resources.metadata import metadata_causes, name_causes
from kodkod.resources.validation import Checks, judge, prune
from kodkod.store.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, TooLarge
from kodkod.store.protocol import FieldValidation

OBJECT_BYTES_MAX = 3_000_000
"""An object as JSON; etcd's request limit is of the same order."""

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_SERVERS = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True)
class Author:
    """How strict to be with unknown fields, and where remarks go."""

    validation: FieldValidation
    warnings: list[str]


def copied(obj: Object) -> Object:
    """A deep copy; JSON out and in is the quickest way for plain data."""
    copy: Object = orjson.loads(orjson.dumps(obj))
    return copy


def shaped(kind: Kind, obj: Object, author: Author) -> Object:
    """A copy without unknown fields, told to the author. Raises BadRequest for what is not an object of the kind."""
    try:
        obj = copied(obj)
    except (TypeError, RecursionError) as error:
        raise BadRequest(f"the object cannot be written as JSON: {error}") from error
    expected = {kind.api_version, *map(str, kind.also)}
    if obj.get("apiVersion", kind.api_version) not in expected or obj.get("kind", kind.kind) != kind.kind:
        raise BadRequest(
            f"the API version in the data ({obj.get('apiVersion')}, kind {obj.get('kind')}) does not match "
            f"the expected API version ({kind.api_version}, kind {kind.kind})"
        )
    obj["apiVersion"], obj["kind"] = kind.api_version, kind.kind
    if not isinstance(obj.setdefault("metadata", {}), dict):
        raise BadRequest("metadata must be an object")
    told_unknown(kind, prune(kind, obj), author)
    return obj


def told_unknown(kind: Kind, unknown: list[str], author: Author) -> None:
    """Strict refuses unknown fields, Warn mentions them."""
    remarks = [f'unknown field "{path}"' for path in unknown]
    if remarks and author.validation == "Strict":
        raise BadRequest(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: strict decoding error: '
            + ", ".join(remarks)
        )
    if author.validation == "Warn":
        author.warnings.extend(remarks)


def placed(kind: Kind, obj: Object, namespace: str | None) -> None:
    """Settle the namespace, in place: the request's must agree with the body's."""
    metadata = obj["metadata"]
    if not kind.namespaced:
        metadata.pop("namespace", None)
        return
    wanted = namespace or metadata.get("namespace")
    if not wanted:
        raise BadRequest(f"a namespace is required for {kind.plural}")
    if metadata.get("namespace", wanted) != wanted:
        raise BadRequest(
            f"the namespace of the provided object does not match the namespace sent on the request "
            f"({metadata['namespace']} != {wanted})"
        )
    metadata["namespace"] = wanted


def checked(kind: Kind, obj: Object, checks: Checks, author: Author, *, generated: bool = False) -> None:
    """Give defaults and stored spellings, in place. Raises Invalid with every cause found."""
    metadata = obj["metadata"]
    causes = [*name_causes(kind, metadata.get("name"), generated=generated), *metadata_causes(metadata)]
    found, advice = judge(kind, obj, checks)
    causes += found
    if causes:
        raise refused(kind, str(metadata.get("name") or ""), causes)
    author.warnings.extend(advice)
    if len(orjson.dumps(obj)) > OBJECT_BYTES_MAX:
        raise TooLarge(f"the object is larger than {OBJECT_BYTES_MAX} bytes")


def refused(kind: Kind, name: str, causes: list[Cause]) -> Invalid:
    listed = str(causes[0]) if len(causes) == 1 else "[" + ", ".join(map(str, causes)) + "]"
    group = f".{kind.group}" if kind.group else ""
    return Invalid(
        f'{kind.kind}{group} "{name}" is invalid: {listed}', causes=causes, kind=kind.kind, group=kind.group, name=name
    )


def not_found(kind: Kind, name: str) -> NotFound:
    return NotFound(f'{kind.qualified} "{name}" not found', kind=kind.plural, group=kind.group, name=name)


def named(metadata: Object, taken: Callable[[str], bool], generator: random.Random) -> bool:
    """Make a name from generateName where there is none, in place; whether one was made."""
    if metadata.get("name") or not metadata.get("generateName"):
        return False
    base = str(metadata["generateName"])[:248]
    for _ in range(8):
        metadata["name"] = base + "".join(generator.choices(_SUFFIX, k=5))
        if not taken(metadata["name"]):
            break
    return True


def born(kind: Kind, obj: Object, now: str) -> None:
    """Write what only the server writes of a new object, in place."""
    metadata = obj["metadata"]
    for field in (*_SERVERS, "selfLink", "resourceVersion", "managedFields"):
        metadata.pop(field, None)
    metadata["uid"] = str(uuid.uuid4())
    metadata["creationTimestamp"] = now
    if kind.has_generation:
        metadata["generation"] = 1
    if kind.status:
        obj.pop("status", None)
    if kind is NAMESPACE:
        obj["status"] = {"phase": "Active"}
        metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata.get("name", "")}


def succeeding(kind: Kind, live: Object, proposed: Object, subresource: str) -> Object:
    """What a write makes of the live object: the main resource leaves status alone, `status` all else.

    proposed: already shaped. Raises Conflict where it was made from another version or another object.
    """
    _same_object(kind, live, proposed)
    metadata = proposed["metadata"]
    if subresource == "status":
        result = copied(live)
        result.pop("status", None)
        if "status" in proposed:
            result["status"] = proposed["status"]
        if "managedFields" in metadata:
            result["metadata"]["managedFields"] = metadata["managedFields"]
        return result
    result = proposed
    if kind.status:
        result.pop("status", None)
        if "status" in live:
            result["status"] = live["status"]
    _keep_servers_part(kind, live, result)
    if kind.has_generation and _desired(live) != _desired(result):
        metadata["generation"] = live["metadata"].get("generation", 0) + 1
    return result


def _same_object(kind: Kind, live: Object, proposed: Object) -> None:
    mine, theirs = live["metadata"], proposed["metadata"]
    name = mine["name"]
    if theirs.get("name", name) != name:
        raise BadRequest(f"the name of the object ({theirs['name']}) does not match the name on the URL ({name})")
    for field in ("uid", "resourceVersion"):
        wanted = theirs.get(field)
        if wanted and wanted != mine.get(field):
            reason = (
                "the object has been modified; please apply your changes to the latest version and try again"
                if field == "resourceVersion"
                else f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {mine.get('uid')}"
            )
            raise Conflict(
                f'Operation cannot be fulfilled on {kind.qualified} "{name}": {reason}',
                kind=kind.plural, group=kind.group, name=name,
            )  # fmt: skip


def _keep_servers_part(kind: Kind, live: Object, result: Object) -> None:
    mine, theirs = live["metadata"], result["metadata"]
    for field in (*_SERVERS, "name", "namespace", "generateName"):
        if field in mine:
            theirs[field] = mine[field]
        else:
            theirs.pop(field, None)
    theirs.pop("selfLink", None)
    if mine.get("deletionTimestamp"):
        added = set(theirs.get("finalizers") or ()) - set(mine.get("finalizers") or ())
        if added:
            cause = invalid(
                "metadata.finalizers", sorted(added)[0], "no new finalizers can be added if the object is being deleted"
            )
            raise refused(kind, mine["name"], [cause])


def _desired(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in ("metadata", "status", "apiVersion", "kind")}


def is_same(live: Object, result: Object) -> bool:
    """Whether a write changes nothing: the version and the times in managedFields do not count."""
    return _comparable(live) == _comparable(result)


def _comparable(obj: Object) -> Object:
    metadata = {
        name: value for name, value in obj["metadata"].items() if name != "resourceVersion" and value not in ({}, [])
    }
    entries = metadata.get("managedFields") or []
    metadata["managedFields"] = sorted(
        (orjson.dumps({name: value for name, value in entry.items() if name != "time"}, option=orjson.OPT_SORT_KEYS)
         for entry in entries),
    )  # fmt: skip
    return {**obj, "metadata": metadata}


def check_deletable(kind: Kind, obj: Object, uid: str, version: str) -> None:
    """Raises Conflict where the preconditions of a deletion do not hold."""
    metadata = obj["metadata"]
    for label, wanted, found in (
        ("UID", uid, metadata["uid"]),
        ("ResourceVersion", version, metadata["resourceVersion"]),
    ):
        if wanted and wanted != found:
            raise Conflict(
                f'Operation cannot be fulfilled on {kind.qualified} "{metadata["name"]}": Precondition failed: '
                f"{label} in precondition: {wanted}, {label} in object meta: {found}",
                kind=kind.plural, group=kind.group, name=metadata["name"],
            )  # fmt: skip


def forbidden_namespace(name: str) -> Forbidden:
    return Forbidden(f'unable to create new content in namespace "{name}" because it is being terminated')
