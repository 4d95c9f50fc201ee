"""What did the caller send? JSON, YAML, or the few messages that kubectl sends in protobuf since 1.32.

Protobuf bodies are `k8s\\0` and a runtime.Unknown with the type and the raw message. Only the fields that those
messages carry here are read; sources: k8s.io/apimachinery runtime, k8s.io/api authorization/v1 and core/v1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import orjson
import yaml
from starlette.requests import Request

from kodkod.server.kube import protobuf
from kodkod.store.errors import BadRequest, TooLarge, UnsupportedPatch

BODY_BYTES_MAX = 3 * 1024 * 1024
DEPTH_MAX = 100
"""Objects and lists in one another; a PodSpec has about ten."""
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
    if media.endswith("yaml"):
        found = from_yaml(data)
    elif media.endswith("json") or media in ("", "application/octet-stream"):
        found = from_json(data) if data else {}
    else:
        raise UnsupportedPatch(f"the body of the request was in an unknown format ({media})")
    refuse_depth(found)
    return found


def from_json(data: bytes) -> Any:
    """Raises BadRequest with line and column."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            f"the request body is not JSON: {error.msg}: line {error.lineno} column {error.colno}"
        ) from error


def from_yaml(data: bytes) -> Any:
    """Raises BadRequest with line and column. kubectl sends JSON as YAML, so that is tried first: it is far quicker."""
    if data.lstrip()[:1] == b"{":
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(data)
    try:
        return yaml.load(data, PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f": line {mark.line + 1} column {mark.column + 1}" if mark else ""
        raise BadRequest(f"the request body is not YAML: {error.problem}{place}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadRequest(f"the request body is not YAML: {error}") from error


class PlainLoader(yaml.SafeLoader):
    """Without aliases, of which a few lines can mean gigabytes, and with a bound on depth."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("aliases are not read here, write the value out")
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > DEPTH_MAX:
            raise self._refusal(f"nested deeper than {DEPTH_MAX}")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refusal(self, problem: str) -> yaml.MarkedYAMLError:
        mark: Any = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def refuse_depth(value: Any) -> None:
    """Raises BadRequest, with the path, for what nests so deep that those who walk it would run out of stack."""
    level: list[tuple[str, Any]] = [("", value)]
    for _ in range(DEPTH_MAX):
        level = [pair for path, node in level for pair in members(path, node)]
        if not level:
            return
    path = level[0][0]
    raise BadRequest(f"the request body nests deeper than {DEPTH_MAX} at {path[:60]}{'…' if len(path) > 60 else ''}")


def members(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is in an object or list and can itself hold something."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield f"{path}.{name}" if path else str(name), inner
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict | list):
                yield f"{path}[{index}]", inner


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
