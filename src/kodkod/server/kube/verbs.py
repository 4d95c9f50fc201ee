"""What does each verb do? Reads the request's options, asks the store, answers in the wanted form.

Rights were judged and the target parsed before; what a write did is told to the caller of these functions as `Done`,
which also goes on record.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kodkod.clock import Clock
from kodkod.resources import Object
from kodkod.server.kube import answers, bodies
from kodkod.server.kube.answers import Form
from kodkod.server.kube.targets import Target
from kodkod.store import FieldValidation, Patch, Preconditions, Resources, WatchEvent
from kodkod.store.embedded import selection, version_of
from kodkod.store.errors import BadRequest, NotFound, StoreError, UnsupportedPatch

WATCH_S_MAX = 3600.0
WATCH_S_DEFAULT = 1800.0


@dataclass(slots=True)
class Done:
    """What a request did, for its answer and for the record."""

    content: Any
    code: int = 200
    warnings: list[str] = field(default_factory=list)
    sent: Any = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """The query parameters of a write."""

    dry_run: bool
    field_manager: str
    field_validation: FieldValidation
    force: bool


def flag(text: str | None) -> bool:
    """A boolean as Go parses it: Python clients send `True`."""
    return (text or "").lower() in ("1", "t", "true")


def options(request: Request) -> Options:
    query = request.query_params
    validation = query.get("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Warn", "Strict"):
        raise BadRequest(f"fieldValidation must be Ignore, Warn or Strict, not {validation!r}")
    manager = query.get("fieldManager") or request.headers.get("user-agent", "").partition("/")[0] or "unknown"
    dry_run = query.getlist("dryRun")
    if any(value not in ("All", "") for value in dry_run):
        raise BadRequest(f"dryRun: Unsupported value: {dry_run!r}: supported values: All")
    return Options("All" in dry_run, manager, cast(FieldValidation, validation), flag(query.get("force")))


class Verbs:
    """The verbs over one store."""

    def __init__(self, resources: Resources, clock: Clock) -> None:
        self._resources = resources
        self._clock = clock

    async def do(self, request: Request, target: Target, verb: str) -> Done | Response:
        """Raises StoreError, and NotAcceptable for a form that is not served."""
        form = answers.wanted_form(request)
        match verb:
            case "get":
                return await self.get(target, form)
            case "list":
                return await self.list(request, target, form)
            case "watch":
                return await self.watch(request, target, form)
            case "create":
                return await self.create(request, target)
            case "update":
                return await self.update(request, target)
            case "patch":
                return await self.patch(request, target)
            case "delete":
                return await self.delete(request, target)
        return await self.delete_collection(request, target)

    async def get(self, target: Target, form: Form) -> Done:
        obj = await self._resources.get(target.kind, target.name, target.in_namespace)
        return Done(answers.one(target, obj, form, self._clock.now()))

    async def list(self, request: Request, target: Target, form: Form) -> Done:
        query = request.query_params
        limit = query.get("limit") or "0"
        if not limit.isdigit():
            raise BadRequest(f"limit must be a number, not {limit!r}")
        found = await self._resources.list(
            target.kind,
            target.in_namespace,
            label_selector=query.get("labelSelector", ""),
            field_selector=named(target, query.get("fieldSelector", "")),
            limit=int(limit),
            continue_token=query.get("continue", ""),
            resource_version=query.get("resourceVersion", "").removeprefix("0"),  # "0" asks for any version
        )
        return Done(answers.many(target, found, form, self._clock.now()))

    async def watch(self, request: Request, target: Target, form: Form) -> Response:
        """Stream events until the time is over or the caller leaves; an expired version is an ERROR event, code 410."""
        query = request.query_params
        # Looked at before the stream begins: a refusal inside it would come too late for a status code.
        selection(target.kind, query.get("labelSelector", ""), named(target, query.get("fieldSelector", "")))
        version_of(query.get("resourceVersion") or "0")
        seconds = query.get("timeoutSeconds", "")
        timeout_s = min(float(seconds), WATCH_S_MAX) if seconds.isdigit() and seconds != "0" else WATCH_S_DEFAULT
        events = self._resources.watch(
            target.kind,
            target.in_namespace,
            resource_version=query.get("resourceVersion", ""),
            label_selector=query.get("labelSelector", ""),
            field_selector=named(target, query.get("fieldSelector", "")),
            bookmarks=flag(query.get("allowWatchBookmarks")),
            initial_events=flag(query.get("sendInitialEvents")),
        )
        lines = self._lines(events, target, form, timeout_s)
        return StreamingResponse(lines, media_type="application/json")

    async def _lines(
        self, events: AsyncIterator[WatchEvent], target: Target, form: Form, timeout_s: float
    ) -> AsyncIterator[bytes]:
        yield b""  # the headers go out at once, so that the client knows it is connected
        try:
            async with asyncio.timeout(timeout_s):
                async for event in events:
                    yield line(event, target, form, self._clock.now())
        except TimeoutError:
            return
        except StoreError as error:
            yield orjson.dumps({"type": "ERROR", "object": answers.refusal(error)}) + b"\n"

    async def create(self, request: Request, target: Target) -> Done:
        wanted = options(request)
        body = await self._object(request)
        warnings: list[str] = []
        made = await self._resources.create(
            target.kind,
            body,
            target.in_namespace,
            field_manager=wanted.field_manager,
            dry_run=wanted.dry_run,
            field_validation=wanted.field_validation,
            warnings=warnings,
        )
        return Done(self._shown(target, made), 201, warnings, body, made["metadata"]["name"])

    async def update(self, request: Request, target: Target) -> Done:
        wanted = options(request)
        body = await self._object(request)
        body.setdefault("metadata", {}).setdefault("name", target.name)
        if body["metadata"]["name"] != target.name:
            raise BadRequest(
                f"the name of the object ({body['metadata']['name']}) does not match "
                f"the name on the URL ({target.name})"
            )
        warnings: list[str] = []
        made = await self._resources.update(
            target.kind,
            body,
            target.in_namespace,
            subresource=target.subresource,
            field_manager=wanted.field_manager,
            dry_run=wanted.dry_run,
            field_validation=wanted.field_validation,
            warnings=warnings,
        )
        return Done(self._shown(target, made), 200, warnings, body, target.name)

    async def patch(self, request: Request, target: Target) -> Done:
        wanted = options(request)
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        try:
            how = Patch(media)
        except ValueError:
            raise UnsupportedPatch(f"the body of the request was in an unknown format ({media})") from None
        body = await bodies.parsed(request)
        if how is Patch.APPLY and not request.query_params.get("fieldManager"):
            raise BadRequest("fieldManager is required for apply patch")
        warnings: list[str] = []
        made = await self._resources.patch(
            target.kind,
            target.name,
            body,
            target.in_namespace,
            how=how,
            subresource=target.subresource,
            field_manager=wanted.field_manager,
            force=wanted.force,
            dry_run=wanted.dry_run,
            field_validation=wanted.field_validation,
            warnings=warnings,
        )
        return Done(self._shown(target, made), 200, warnings, body, target.name)

    async def delete(self, request: Request, target: Target) -> Done:
        preconditions, orphan, dry_run = await self._deletion(request)
        last = await self._resources.delete(
            target.kind,
            target.name,
            target.in_namespace,
            preconditions=preconditions,
            orphan=orphan,
            dry_run=dry_run,
        )
        is_held = bool(last["metadata"].get("deletionTimestamp")) and bool(
            last["metadata"].get("finalizers") or (last.get("status") or {}).get("phase") == "Terminating"
        )
        content = self._shown(target, last) if is_held else answers.deleted(target, last)
        return Done(content, name=target.name)

    async def delete_collection(self, request: Request, target: Target) -> Done:
        """Delete whatever the selectors choose, one after another."""
        _, orphan, dry_run = await self._deletion(request)
        query = request.query_params
        found = await self._resources.list(
            target.kind,
            target.in_namespace,
            label_selector=query.get("labelSelector", ""),
            field_selector=query.get("fieldSelector", ""),
        )
        for obj in found.items:
            metadata = obj["metadata"]
            with contextlib.suppress(NotFound):  # it went with its owner, or by somebody else's hand
                await self._resources.delete(
                    target.kind, metadata["name"], metadata.get("namespace"), orphan=orphan, dry_run=dry_run
                )
        return Done(answers.many(target, found, Form(), self._clock.now()))

    async def _deletion(self, request: Request) -> tuple[Preconditions | None, bool, bool]:
        """Preconditions, whether dependents are orphaned, and whether it is a dry run: from body and query."""
        body = await bodies.parsed(request)
        given = body if isinstance(body, dict) else {}
        wanted = given.get("preconditions") or {}
        preconditions = Preconditions(str(wanted.get("uid") or ""), str(wanted.get("resourceVersion") or ""))
        policy = request.query_params.get("propagationPolicy") or given.get("propagationPolicy")
        orphan = policy == "Orphan" or given.get("orphanDependents") is True
        dry_run = bool(given.get("dryRun")) or options(request).dry_run
        return (preconditions if wanted else None), orphan, dry_run

    async def _object(self, request: Request) -> Object:
        body = await bodies.parsed(request)
        if not isinstance(body, dict):
            raise BadRequest("the request body is not an object")
        return body

    def _shown(self, target: Target, obj: Object) -> Object:
        return answers.as_version(obj, target.kind, target.group_version)


def named(target: Target, field_selector: str) -> str:
    """A list or watch of one name (`/packetcaptures/x?watch=true`) is one with a field selector."""
    if not target.name:
        return field_selector
    return ",".join(part for part in (field_selector, f"metadata.name={target.name}") if part)


def line(event: WatchEvent, target: Target, form: Form, now: datetime) -> bytes:
    """One event as a line. Plain JSON is encoded once for all watchers of the same group."""
    if form.as_ == "" or event.type == "BOOKMARK":
        key = str(target.group_version)
        encoded = event.encoded.get(key)
        if encoded is None:
            shown = answers.as_version(event.object, target.kind, target.group_version)
            encoded = orjson.dumps({"type": event.type, "object": shown}) + b"\n"
            event.encoded[key] = encoded
        return encoded
    return orjson.dumps({"type": event.type, "object": answers.one(target, event.object, form, now)}) + b"\n"
