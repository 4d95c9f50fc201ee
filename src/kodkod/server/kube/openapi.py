"""What can clients read of the API? OpenAPI v2 and v3, made from the kinds; v2 also in protobuf.

kubectl up to 1.28 reads v2 in protobuf and nothing else; from 1.27 on it asks v3 first. Three traps: every kind needs
a PATCH operation with `fieldValidation` and `dryRun`, or kubectl does not trust the server to validate; free-form
kinds must have no properties, or kubectl 1.20 calls each field unknown; and the group, version and kind must stand on
operation and schema both. Sources: spec of the Kubernetes dialect, gnostic's OpenAPIv2 message numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import yaml

from kodkod.resources import kinds
from kodkod.resources.kinds import GroupVersion, Kind
from kodkod.resources.schema import structural
from kodkod.server.kube import protobuf as wire

Json = dict[str, Any]

GVK = "x-kubernetes-group-version-kind"
ACTION = "x-kubernetes-action"
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
TITLE, VERSION = "Kodkod", "v1"

METADATA_SCHEMA: Json = {
    "type": "object",
    "description": "Standard object's metadata.",
    "properties": {
        "name": {"type": "string", "description": "Unique within the namespace."},
        "generateName": {"type": "string", "description": "Prefix of a name that the server completes."},
        "namespace": {"type": "string", "description": "Namespace of the object."},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Labels."},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Annotations."},
        "uid": {"type": "string", "description": "Set by the server."},
        "resourceVersion": {"type": "string", "description": "Set by the server."},
        "generation": {"type": "integer", "format": "int64", "description": "Counts changes of the desired state."},
        "creationTimestamp": {"type": "string", "format": "date-time", "description": "Set by the server."},
        "deletionTimestamp": {"type": "string", "format": "date-time", "description": "Set by the server."},
        "deletionGracePeriodSeconds": {"type": "integer", "format": "int64", "description": "Set by the server."},
        "finalizers": {"type": "array", "items": {"type": "string"}, "description": "Hold the object back."},
        "ownerReferences": {"type": "array", "items": {"type": "object"}, "description": "Objects it belongs to."},
        "managedFields": {"type": "array", "items": {"type": "object"}, "description": "Who wrote which field."},
        "selfLink": {"type": "string", "description": "Not used any more."},
    },
}


def definition_name(group_version: GroupVersion, kind: Kind) -> str:
    """`org.projectcalico.v3.PacketCapture`: the group's labels backwards, as Kubernetes does for CRDs."""
    group = ".".join(reversed((group_version.group or "core").split(".")))
    return f"{group}.{group_version.version}.{kind.kind}"


def identity(group_version: GroupVersion, kind: Kind) -> Json:
    return {"group": group_version.group, "version": group_version.version, "kind": kind.kind}


def definition(group_version: GroupVersion, kind: Kind, reference: str) -> Json:
    """The whole object's schema. reference: what stands before the name of a shared definition."""
    schema = structural(kind)
    if schema is None:
        return {"type": "object", "description": kind.description, GVK: [identity(group_version, kind)]}
    properties = {
        "apiVersion": {"type": "string", "description": "Group and version of this object."},
        "kind": {"type": "string", "description": "Kind of this object."},
        "metadata": {"$ref": f"{reference}{METADATA}", "description": "Standard object's metadata."},
        **schema.get("properties", {}),
    }
    return {**schema, "properties": properties, GVK: [identity(group_version, kind)]}


def every_served(groups: tuple[GroupVersion, ...]) -> Iterator[tuple[GroupVersion, Kind]]:
    for group_version in groups:
        for kind in kinds.served(group_version):
            yield group_version, kind


def path_of(group_version: GroupVersion, kind: Kind) -> str:
    root = f"/apis/{group_version}" if group_version.group else f"/api/{group_version.version}"
    inside = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"{root}{inside}/{kind.plural}/{{name}}"


@lru_cache(maxsize=2)
def v2(groups: tuple[GroupVersion, ...]) -> Json:
    """These groups as Swagger 2.0: definitions, and of the paths what kubectl looks for. Shared: do not change it."""
    paths: Json = {}
    definitions: Json = {METADATA: METADATA_SCHEMA}
    for group_version, kind in every_served(groups):
        definitions[definition_name(group_version, kind)] = definition(group_version, kind, "#/definitions/")
        paths[path_of(group_version, kind)] = {"patch": v2_patch(group_version, kind)}
    return {"swagger": "2.0", "info": {"title": TITLE, "version": VERSION}, "paths": paths, "definitions": definitions}


def v2_patch(group_version: GroupVersion, kind: Kind) -> Json:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    return {
        "operationId": operation_id(group_version, kind),
        "parameters": [{"name": name, "in": "query", "type": "string", "uniqueItems": True} for name in names],
        "responses": {"200": {"description": "OK"}},
        ACTION: "patch",
        GVK: identity(group_version, kind),
    }


def operation_id(group_version: GroupVersion, kind: Kind) -> str:
    group = "".join(part.capitalize() for part in (group_version.group or "core").split("."))
    return f"patch{group}{group_version.version.capitalize()}{kind.kind}"


@lru_cache(maxsize=2)
def v2_protobuf(groups: tuple[GroupVersion, ...]) -> bytes:
    """`v2` as gnostic's Document message."""
    document = v2(groups)
    info = wire.text(1, document["info"]["title"]) + wire.text(2, document["info"]["version"])
    paths = b"".join(
        wire.message(2, wire.text(1, path) + wire.message(2, wire.message(8, operation(item["patch"]))))
        for path, item in document["paths"].items()
    )
    definitions = b"".join(
        wire.message(1, named_schema(name, schema)) for name, schema in document["definitions"].items()
    )
    return (
        wire.text(1, document["swagger"])
        + wire.message(2, info)
        + wire.message(8, paths)
        + wire.message(9, definitions)
    )


def operation(patch: Json) -> bytes:
    parameters = b"".join(
        # ParametersItem > Parameter > NonBodyParameter > QueryParameterSubSchema
        wire.message(8, wire.message(1, wire.message(2, wire.message(3, query_parameter(parameter)))))
        for parameter in patch["parameters"]
    )
    response = wire.text(1, "200") + wire.message(2, wire.message(1, wire.text(1, "OK")))
    extensions = b"".join(wire.message(13, named_any(name, patch[name])) for name in (ACTION, GVK))
    return wire.text(5, patch["operationId"]) + parameters + wire.message(9, wire.message(1, response)) + extensions


def query_parameter(parameter: Json) -> bytes:
    return wire.text(2, "query") + wire.text(4, parameter["name"]) + wire.text(6, "string") + wire.boolean(20, True)


def named_any(name: str, value: object) -> bytes:
    return wire.text(1, name) + wire.message(2, any_value(value))


def any_value(value: object) -> bytes:
    """gnostic keeps any value as YAML text; JSON is YAML, but its reader wants block style for maps."""
    return wire.text(2, yaml.safe_dump(value, default_flow_style=False))


def named_schema(name: str, schema: Json) -> bytes:
    return wire.text(1, name) + wire.message(2, schema_message(schema))


def schema_message(schema: Json) -> bytes:
    """One Schema message; constraints that clients do not use are left to v3 and to the server."""
    out = wire.text(1, schema.get("$ref", "")) + wire.text(2, schema.get("format", ""))
    out += wire.text(4, schema.get("description", ""))
    if schema.get("default") is not None:
        out += wire.message(5, any_value(schema["default"]))
    out += b"".join(wire.text(19, name) for name in schema.get("required", ()))
    out += b"".join(wire.message(20, any_value(value)) for value in schema.get("enum", ()))
    if isinstance(schema.get("additionalProperties"), dict):
        out += wire.message(21, wire.message(1, schema_message(schema["additionalProperties"])))
    if "type" in schema:
        out += wire.message(22, wire.text(1, schema["type"]))
    if "items" in schema:
        out += wire.message(23, wire.message(1, schema_message(schema["items"])))
    if schema.get("properties"):
        properties = schema["properties"].items()
        out += wire.message(25, b"".join(wire.message(1, named_schema(name, child)) for name, child in properties))
    extensions = ((name, value) for name, value in schema.items() if name.startswith("x-kubernetes-"))
    return out + b"".join(wire.message(31, named_any(name, value)) for name, value in extensions)


def v3_index(groups: tuple[GroupVersion, ...]) -> Json:
    """Where each group's document is; the hash changes with its content, so that clients may keep it."""
    return {
        "paths": {key: {"serverRelativeURL": f"/openapi/v3/{key}?hash={v3_hash(key)}"} for key in map(v3_key, groups)}
    }


def v3_key(group_version: GroupVersion) -> str:
    """`apis/projectcalico.org/v3`, or `api/v1` for the core group."""
    return f"apis/{group_version}" if group_version.group else f"api/{group_version.version}"


@lru_cache(maxsize=64)
def v3_hash(key: str) -> str:
    return hashlib.sha256(json.dumps(v3(key)).encode()).hexdigest().upper()


@lru_cache(maxsize=64)
def v3(key: str) -> Json | None:
    """One group's document, or None for a group that is not served. Shared: do not change it."""
    group_version = next((found for found in kinds.group_versions() if v3_key(found) == key), None)
    if group_version is None:
        return None
    schemas: Json = {METADATA: METADATA_SCHEMA}
    paths: Json = {}
    for kind in kinds.served(group_version):
        name = definition_name(group_version, kind)
        schemas[name] = definition(group_version, kind, "#/components/schemas/")
        paths[path_of(group_version, kind)] = v3_path(group_version, kind, name)
    return {
        "openapi": "3.0.0",
        "info": {"title": TITLE, "version": VERSION},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def v3_path(group_version: GroupVersion, kind: Kind, name: str) -> Json:
    reference = {"$ref": f"#/components/schemas/{name}"}
    answer = {"description": "OK", "content": {"application/json": {"schema": reference}}}
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    patch = {
        "operationId": operation_id(group_version, kind),
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": answer},
        ACTION: "patch",
        GVK: identity(group_version, kind),
    }
    get = {
        "operationId": operation_id(group_version, kind).replace("patch", "read", 1),
        "responses": {"200": answer},
        ACTION: "get",
        GVK: identity(group_version, kind),
    }
    return {"get": get, "patch": patch}
