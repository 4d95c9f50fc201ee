"""In which form does the caller get an answer? JSON, a Table, metadata alone, or a Status that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from kodkod.resources import Object
from kodkod.resources.kinds import GroupVersion, Kind
from kodkod.server.kube import tables
from kodkod.server.kube.targets import Target
from kodkod.store import ObjectList, errors
from kodkod.store.errors import StoreError

Json = dict[str, Any]

CODES: dict[type[StoreError], int] = {
    errors.NotFound: 404, errors.AlreadyExists: 409, errors.Conflict: 409, errors.Invalid: 422, errors.BadRequest: 400,
    errors.UnsupportedPatch: 415, errors.Gone: 410, errors.VersionTooLarge: 504, errors.Unauthorized: 401,
    errors.Forbidden: 403, errors.TooLarge: 413, errors.Unavailable: 503,
}  # fmt: skip


class NotAcceptable(Exception):
    """The caller takes no form that is served here (protobuf alone)."""


@dataclass(frozen=True, slots=True)
class Form:
    """as_: "" for plain JSON, else `Table`, `PartialObjectMetadata` or `PartialObjectMetadataList`."""

    as_: str = ""
    include: str = "Metadata"


def wanted_form(request: Request) -> Form:
    """Read Accept by its parameters, which clients send in any order. Raises NotAcceptable."""
    header = request.headers.get("accept", "*/*")
    for choice in header.split(","):
        media, *pairs = (part.strip() for part in choice.split(";"))
        parameters = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if media not in ("application/json", "application/*", "*/*"):
            continue
        as_ = parameters.get("as", "")
        if as_ == "" or parameters.get("g") == "meta.k8s.io":
            return Form(as_, request.query_params.get("includeObject") or "Metadata")
    raise NotAcceptable(header)


def as_version(obj: Object, kind: Kind, group_version: GroupVersion) -> Object:
    """The object under the group that was asked for; shared parts stay shared."""
    if group_version == kind.group_version:
        return obj
    return {**obj, "apiVersion": str(group_version)}


def one(target: Target, obj: Object, form: Form, now: datetime) -> Json:
    """A single object in the wanted form."""
    shown = as_version(obj, target.kind, target.group_version)
    if form.as_ == "Table":
        version = shown["metadata"].get("resourceVersion", "")
        return tables.table(target.kind, [shown], {"resourceVersion": version}, now, form.include)
    return tables.partial(shown) if form.as_.startswith("PartialObjectMetadata") else shown


def many(target: Target, found: ObjectList, form: Form, now: datetime) -> Json:
    """A list in the wanted form."""
    metadata: Json = {"resourceVersion": found.resource_version}
    if found.continue_token:
        metadata["continue"] = found.continue_token
    if found.remaining is not None:
        metadata["remainingItemCount"] = found.remaining
    items: Sequence[Object] = [as_version(obj, target.kind, target.group_version) for obj in found.items]
    if form.as_ == "Table":
        return tables.table(target.kind, items, metadata, now, form.include)
    if form.as_.startswith("PartialObjectMetadata"):
        partials = [tables.partial(obj) for obj in items]
        return {
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "items": partials,
        }  # fmt: skip
    return {
        "kind": target.kind.list_kind, "apiVersion": str(target.group_version), "metadata": metadata, "items": items,
    }  # fmt: skip


def json_response(content: object, code: int = 200, warnings: Sequence[str] = ()) -> Response:
    """JSON with the caller's warnings as `Warning` headers (RFC 7234, code 299)."""
    response = Response(orjson.dumps(content), code, media_type="application/json")
    for text in warnings:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append("Warning", f'299 - "{escaped}"')
    return response


def failure(code: int, reason: str, message: str, details: Json | None = None) -> Json:
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
        "details": details or {}, "code": code,
    }  # fmt: skip


def refusal(error: StoreError) -> Json:
    """The Status of an error of the store."""
    details: Json = {"name": error.name, "group": error.group, "kind": error.kind}
    details = {key: value for key, value in details.items() if value}
    if error.causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in error.causes
        ]
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), 500)
    return failure(code, error.reason, error.message, details)


def refused(error: StoreError) -> Response:
    status = refusal(error)
    return json_response(status, status["code"])


def not_served(path: str) -> Response:
    return json_response(failure(404, "NotFound", f"the server could not find the requested resource ({path})"), 404)


def deleted(target: Target, obj: Object) -> Json:
    """The Status of a completed deletion; kubectl's waiting depends on the uid."""
    details = {
        "name": obj["metadata"]["name"], "group": target.group_version.group, "kind": target.kind.plural,
        "uid": obj["metadata"].get("uid", ""),
    }  # fmt: skip
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
