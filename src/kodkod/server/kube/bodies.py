"""What did the caller send? JSON, YAML, or the few messages that kubectl sends in protobuf since 1.32.

Protobuf bodies are `k8s\\0` and a runtime.Unknown with the type and the raw message. Only the fields that those
messages carry here are read; sources: k8s.io/apimachinery runtime, k8s.io/api authorization/v1 and core/v1.
"""

from __future__ import annotations

from typing import Any

import orjson
import yaml
from starlette.requests import Request

from kodkod.server.kube import protobuf
from kodkod.store.errors import BadRequest, TooLarge, UnsupportedPatch

BODY_BYTES_MAX = 3 * 1024 * 1024
MAGIC = b"k8s\0"

Message = dict[int, list[int | bytes]]


async def read(request: Request) -> bytes:
    """The body, refused above the bound before it is all in memory; kept for whoever asks again."""
    known = getattr(request.state, "body", None)
    if isinstance(known, bytes):
        return known
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise TooLarge(f"the request body is larger than {BODY_BYTES_MAX} bytes")
        chunks.append(chunk)
    data = b"".join(chunks)
    request.state.body = data
    return data


async def parsed(request: Request) -> Any:
    """The body as plain data, by its media type. Raises BadRequest, TooLarge, UnsupportedPatch."""
    data = await read(request)
    media = request.headers.get("content-type", "application/json").partition(";")[0].strip()
    if data.startswith(MAGIC):
        return from_protobuf(data)
    try:
        if media.endswith("yaml"):
            return yaml.safe_load(data)
        if media.endswith("json") or media in ("", "application/octet-stream"):
            return orjson.loads(data) if data else {}
    except (orjson.JSONDecodeError, yaml.YAMLError, RecursionError) as error:
        raise BadRequest(f"the request body cannot be read: {error}") from error
    raise UnsupportedPatch(f"the body of the request was in an unknown format ({media})")


def from_protobuf(data: bytes) -> dict[str, Any]:
    try:
        unknown = read_message(data[len(MAGIC) :])
        types = read_message(bytes_of(unknown, 1))
        api_version, kind = text_of(types, 1), text_of(types, 2)
        content = read_message(bytes_of(unknown, 2))
        reader = READERS.get(kind)
        if reader is None:
            raise BadRequest(f"{kind} in protobuf is not read here; send JSON")
        return {"apiVersion": api_version, "kind": kind, **reader(content)}
    except (protobuf.Malformed, UnicodeDecodeError) as error:
        raise BadRequest(f"the protobuf body cannot be read: {error}") from error


def read_message(data: bytes) -> Message:
    message: Message = {}
    for number, value in protobuf.fields(data):
        message.setdefault(number, []).append(value)
    return message


def bytes_of(message: Message, number: int) -> bytes:
    value = message.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def text_of(message: Message, number: int) -> str:
    return bytes_of(message, number).decode()


def map_of(message: Message, number: int) -> dict[str, str]:
    entries = (read_message(value) for value in message.get(number, []) if isinstance(value, bytes))
    return {text_of(entry, 1): text_of(entry, 2) for entry in entries}


def metadata_of(message: Message) -> dict[str, Any]:
    metadata = read_message(bytes_of(message, 1))
    found = {
        "name": text_of(metadata, 1), "generateName": text_of(metadata, 2), "namespace": text_of(metadata, 3),
        "labels": map_of(metadata, 11), "annotations": map_of(metadata, 12),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def namespace(message: Message) -> dict[str, Any]:
    return {"metadata": metadata_of(message)}


def access_review(message: Message) -> dict[str, Any]:
    spec = read_message(bytes_of(message, 2))
    found: dict[str, Any] = {}
    if 1 in spec:
        attributes = read_message(bytes_of(spec, 1))
        names = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
        found["resourceAttributes"] = {name: text_of(attributes, number) for number, name in enumerate(names, 1)}
    if 2 in spec:
        attributes = read_message(bytes_of(spec, 2))
        found["nonResourceAttributes"] = {"path": text_of(attributes, 1), "verb": text_of(attributes, 2)}
    return {"spec": found}


def rules_review(message: Message) -> dict[str, Any]:
    return {"spec": {"namespace": text_of(read_message(bytes_of(message, 2)), 1)}}


def nothing(_message: Message) -> dict[str, Any]:
    return {}


READERS = {
    "Namespace": namespace,
    "SelfSubjectAccessReview": access_review,
    "SelfSubjectRulesReview": rules_review,
    "SelfSubjectReview": nothing,
    "DeleteOptions": nothing,
}
