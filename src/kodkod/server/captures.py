"""Which captures are there, and what can be done with them? `/v1/captures`: PacketCaptures with what became of them.

Not a second kind of object: the same PacketCaptures, by the same verbs, rights and audit records as under the
Kubernetes face, with the nodes' reports folded and files at hand, so that console and scripts have one typed API.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from kodkod.access import Caller
from kodkod.access import Request as Right
from kodkod.capture.retrieval import Nodes
from kodkod.capture.routes import FileRoutes
from kodkod.clock import rfc3339
from kodkod.resources import Object, kinds
from kodkod.resources.durations import parse_duration
from kodkod.server import audit
from kodkod.server.capture_bodies import (
    Action,
    CaptureBody,
    CaptureList,
    FileBody,
    FileList,
    FilesGone,
    NewCapture,
    Window,
    body_of,
    object_of,
)
from kodkod.server.problems import RESPONSES, Problem, ProblemRoute, problem_of
from kodkod.server.services import Services
from kodkod.store.errors import StoreError

KIND = kinds.PACKET_CAPTURE
WRITER = "kodkod-v1"  # what `managedFields` shows for changes that came through here

Namespace = Annotated[str, Path(max_length=253)]
Name = Annotated[str, Path(max_length=253)]

# What a person may want to do, and the right it takes: verb and subresource.
RIGHTS: dict[Action, tuple[str, str]] = {
    "change": ("patch", ""),
    "delete": ("delete", ""),
    "read_files": ("get", "files"),
    "delete_files": ("delete", "files"),
}


SpecOf = Callable[[Object], dict[str, Any] | None]


def router(services: Services, files: FileRoutes, nodes: Nodes) -> APIRouter:
    captures = Captures(services, nodes)
    routes = APIRouter(prefix="/captures", route_class=ProblemRoute, responses=RESPONSES, tags=["captures"])
    _objects(routes, captures)
    _changes(routes, captures)
    _files(routes, captures, files)
    return routes


def _objects(routes: APIRouter, captures: Captures) -> None:
    @routes.get("", response_model=CaptureList)
    async def list_captures(
        request: Request, namespace: Annotated[str, Query(description="Empty: every one you may see.")] = ""
    ) -> CaptureList:
        """Captures, the newest first, with what the nodes say of them."""
        found = await captures.visible(request.state.caller, namespace)
        reports = await captures.reports() if any(not is_reported(one) for one in found) else []
        items = [body_of(one, await captures.may(request.state.caller, one), reports) for one in found]
        return CaptureList(items=sorted(items, key=lambda one: (one.created or "", one.name), reverse=True))

    @routes.get("/{namespace}/{name}", response_model=CaptureBody)
    async def one_capture(request: Request, namespace: Namespace, name: Name) -> CaptureBody:
        """One capture."""
        caller: Caller = request.state.caller
        await captures.require(caller, "get", namespace, name)
        obj = await captures.resources.get(KIND, name, namespace)
        return await captures.shown(caller, obj)

    @routes.post("", response_model=CaptureBody, status_code=201)
    async def create(request: Request, asked: NewCapture) -> CaptureBody:
        """Record packets, at once or from `start`; until `end`, for `duration`, or else until it is stopped."""
        obj = object_of(asked, ends(asked.start, asked.end, asked.duration, captures.clock.now()))
        async with captures.written(request, "create", asked.namespace, asked.name, obj) as done:
            done.obj = await captures.resources.create(KIND, obj, asked.namespace, field_manager=WRITER)
        return await captures.shown(request.state.caller, done.obj)


def _changes(routes: APIRouter, captures: Captures) -> None:
    @routes.post("/{namespace}/{name}/stop", response_model=CaptureBody)
    async def stop(request: Request, namespace: Namespace, name: Name) -> CaptureBody:
        """End the recording now and keep the files. A scheduled one will not begin, a finished one stays as it is."""
        now = captures.clock.now()

        def change(obj: Object) -> dict[str, Any] | None:
            start, end = (moment(obj["spec"].get(field)) for field in ("startTime", "endTime"))
            if end is not None and end <= now:
                return None
            has_begun = start is None or start < now.replace(microsecond=0)
            return {"endTime": rfc3339(now), **({} if has_begun else {"startTime": None})}

        return await captures.change(request, namespace, name, change)

    @routes.post("/{namespace}/{name}/run", response_model=CaptureBody)
    async def run(request: Request, namespace: Namespace, name: Name, asked: Window | None = None) -> CaptureBody:
        """Record again, at once or from `start`; until `end`, for `duration`, or else until it is stopped."""
        wanted = asked or Window.model_validate({})
        end = ends(wanted.start, wanted.end, wanted.duration, captures.clock.now())
        spec = {
            "startTime": None if wanted.start is None else rfc3339(wanted.start),
            "endTime": None if end is None else rfc3339(end),
        }
        return await captures.change(request, namespace, name, lambda _obj: spec)

    @routes.delete("/{namespace}/{name}", response_model=CaptureBody)
    async def delete(request: Request, namespace: Namespace, name: Name) -> CaptureBody:
        """Delete the capture; the nodes then delete its files. Answers what it was."""
        async with captures.written(request, "delete", namespace, name) as done:
            done.obj = await captures.resources.delete(KIND, name, namespace)
        return body_of(done.obj, [], [])


def _files(routes: APIRouter, captures: Captures, files: FileRoutes) -> None:
    @routes.get("/{namespace}/{name}/files", response_model=FileList)
    async def list_files(request: Request, namespace: Namespace, name: Name) -> FileList:
        """The files that the nodes hold now, also of a capture whose object is gone."""
        async with captures.recorded(request, "get", namespace, name):
            found = await captures.nodes.files(await captures.reports(), namespace, name)
            if not found.files and not found.unreachable:
                await captures.resources.get(KIND, name, namespace)  # raises NotFound where nothing is left of it
            items = [
                FileBody(node=one.node, name=one.name, id=one.id, bytes=one.bytes, active=one.active)
                for one in found.files
            ]
            return FileList(items=items, unreachable=found.unreachable)

    @routes.get("/{namespace}/{name}/files.zip", response_class=Zip)
    async def download(request: Request, namespace: Namespace, name: Name) -> Response:
        """Every file of every node in one zip; those still being written as they are now."""
        async with captures.recorded(request, "get", namespace, name):
            answer = told(await files.subresource(request, namespace, name, "zip"))
            answer.headers["Content-Disposition"] = f'attachment; filename="{namespace}_{name}.zip"'
            return answer

    @routes.get("/{namespace}/{name}/files/{node}/{file}", response_class=Pcap)
    async def one_file(request: Request, namespace: Namespace, name: Name, node: str, file: str) -> Response:
        """One file by name or id; takes `Range`."""
        async with captures.recorded(request, "get", namespace, name):
            return told(await files.subresource(request, namespace, name, f"{node}/{file}"))

    @routes.delete("/{namespace}/{name}/files", response_model=FilesGone)
    async def delete_files(request: Request, namespace: Namespace, name: Name) -> Response:
        """Delete the files of a capture that has finished, or whose object is gone."""
        async with captures.recorded(request, "delete", namespace, name):
            return told(await files.delete(request, namespace, name))


class Zip(Response):
    media_type = "application/zip"


class Pcap(Response):
    media_type = "application/vnd.tcpdump.pcap"


@dataclass(slots=True)
class Done:
    """What a write made, for the answer and for the record."""

    obj: Object


class Captures:
    """The verbs over one server's objects, with the caller's rights asked and the deed put on record."""

    def __init__(self, services: Services, nodes: Nodes) -> None:
        self.resources = services.resources
        self.clock = services.clock
        self.nodes = nodes
        self._services = services

    async def visible(self, caller: Caller, namespace: str) -> list[Object]:
        """What the caller may list. Problem 403 without any right."""
        if await self._allows(caller, "list", namespace):
            return list((await self.resources.list(KIND, namespace or None)).items)
        present = [] if namespace else (await self.resources.list(kinds.NAMESPACE)).items
        names = [obj["metadata"]["name"] for obj in present]
        own = [name for name in names if await self._allows(caller, "list", name)]
        if not own:
            raise forbidden(caller, "list", "", namespace)
        return [obj for name in own for obj in (await self.resources.list(KIND, name)).items]

    async def may(self, caller: Caller, obj: Object) -> list[Action]:
        """What the caller may do with this one. Authorizers remember, so a list costs little more than a namespace."""
        metadata = obj["metadata"]
        return [
            action
            for action, (verb, subresource) in RIGHTS.items()
            if await self._allows(caller, verb, metadata.get("namespace", ""), metadata["name"], subresource)
        ]

    async def shown(self, caller: Caller, obj: Object) -> CaptureBody:
        reports = [] if is_reported(obj) else await self.reports()
        return body_of(obj, await self.may(caller, obj), reports)

    async def reports(self) -> list[Object]:
        return (await self.resources.list(kinds.NODE_REPORT)).items

    async def change(self, request: Request, namespace: str, name: str, spec_of: SpecOf) -> CaptureBody:
        """Merge what `spec_of` answers for the present object into its spec; None changes nothing."""
        async with self.written(request, "patch", namespace, name) as done:
            obj = await self.resources.get(KIND, name, namespace)
            spec = spec_of(obj)
            if spec is not None:
                obj = await self.resources.patch(KIND, name, {"spec": spec}, namespace, field_manager=WRITER)
            done.obj = obj
        return await self.shown(request.state.caller, done.obj)

    async def require(self, caller: Caller, verb: str, namespace: str, name: str, subresource: str = "") -> None:
        if not await self._allows(caller, verb, namespace, name, subresource):
            raise forbidden(caller, verb, subresource, namespace)

    @contextlib.asynccontextmanager
    async def written(
        self, request: Request, verb: str, namespace: str, name: str, sent: Object | None = None
    ) -> AsyncIterator[Done]:
        """Around a write to the object: the right before it, the record after it, refusals included."""
        done = Done({})
        async with self.recorded(request, verb, namespace, name, subresource="", sent=sent, done=done):
            yield done

    @contextlib.asynccontextmanager
    async def recorded(
        self, request: Request, verb: str, namespace: str, name: str, *, subresource: str = "files",
        sent: Object | None = None, done: Done | None = None,
    ) -> AsyncIterator[None]:  # fmt: skip
        """Around a write, or a read or deletion of packets."""
        caller: Caller = request.state.caller
        received, code, message = self.clock.now(), 201 if verb == "create" else 200, ""
        try:
            await self.require(caller, verb, namespace, name, subresource)
            yield
        except (StoreError, Problem) as error:
            refused = problem_of(error)
            code, message = refused.status, refused.body.message
            raise
        finally:
            reference = {
                "resource": KIND.plural, "subresource": subresource, "namespace": namespace, "name": name,
                "apiGroup": KIND.group, "apiVersion": KIND.version,
            }  # fmt: skip
            self._services.audit.write(
                audit.record(
                    request, caller, verb=verb, object_ref=reference, code=code, received=received,
                    completed=self.clock.now(), request_object=sent, message=message,
                    response_object=(done.obj or None) if done else None,
                )
            )  # fmt: skip

    async def _allows(self, caller: Caller, verb: str, namespace: str, name: str = "", subresource: str = "") -> bool:
        return await self._services.authorizer.allows(
            caller, Right(verb, KIND.group, KIND.plural, subresource, namespace, name)
        )


def forbidden(caller: Caller, verb: str, subresource: str, namespace: str) -> Problem:
    resource = f"{KIND.plural}/{subresource}" if subresource else KIND.plural
    where = f' in the namespace "{namespace}"' if namespace else ""
    return Problem(
        403, "forbidden", f'user "{caller.name}" cannot {verb} resource "{resource}" in API group "{KIND.group}"{where}'
    )


def told(answer: Response) -> Response:
    """What the file routes refuse in a line of text, in the shape of `/v1`."""
    if answer.status_code < 400:
        return answer
    _, _, message = bytes(answer.body).decode().strip().partition(": ")
    words = {404: "not_found", 409: "conflict", 416: "bad_request"}
    raise Problem(answer.status_code, words.get(answer.status_code, "unavailable"), message)


def ends(start: datetime | None, end: datetime | None, duration: str | None, now: datetime) -> datetime | None:
    """When a window ends that is given by its end or by how long it is open."""
    if duration is None:
        return end
    if end is not None:
        raise Problem(422, "bad_request", "give either end or duration")
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise Problem(422, "bad_request", f"duration: {error}") from error
    return max(start or now, now) + timedelta(seconds=seconds)


def is_reported(obj: Object) -> bool:
    return bool((obj.get("status") or {}).get("files"))


def moment(text: str | None) -> datetime | None:
    """A stored time; None also for what no validation of ours has seen and cannot be read."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
