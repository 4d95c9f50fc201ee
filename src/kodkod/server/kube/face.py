"""The Kubernetes face: every request is parsed, judged, done and put on record, in this order."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kodkod import __version__
from kodkod.access import Caller, noderestriction
from kodkod.access import Request as AccessRequest
from kodkod.resources import kinds
from kodkod.resources.kinds import GroupVersion
from kodkod.server import audit
from kodkod.server.kube import answers, bodies, discovery, openapi, reviews
from kodkod.server.kube.answers import NotAcceptable, failure, json_response
from kodkod.server.kube.streaming import ExecRequest, Refusal
from kodkod.server.kube.targets import Target, parse
from kodkod.server.kube.verbs import Done, Verbs, flag
from kodkod.server.services import LogRequest, Services, Subresource
from kodkod.store.errors import BadRequest, Forbidden, NotFound, StoreError

log = logging.getLogger(__name__)

# The SDK's kubectl dispatcher picks its binary by this; another number would bring a skew warning.
GIT_VERSION = "v1.32.4-kodkod"
CORE = GroupVersion("", "v1")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
SINCE_S_MAX = 10 * 365 * 86_400
READ_ON_RECORD = frozenset({"files", "exec"})


class Deeds(Protocol):
    """Whoever does what was asked: our own store, or a cluster to which it is passed on."""

    async def do(self, request: Request, target: Target, verb: str) -> Done | Response:
        """Raises StoreError, NotAcceptable."""
        ...


class Face:
    """Routes of one server. groups: what is served, in the order of discovery."""

    def __init__(
        self, services: Services, deeds: Deeds | None = None, groups: tuple[GroupVersion, ...] | None = None
    ) -> None:
        self._services = services
        self._deeds = deeds if deeds is not None else Verbs(services.resources, services.clock)
        self._groups = groups if groups is not None else discovery.every_group()
        self._stored = tuple(one for one in self._groups if one not in discovery.REVIEWS)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/version", self.version),
            Route("/api", self.core),
            Route("/apis", self.groups),
            Route("/apis/{group}", self.group),
            Route("/api/v1", self.core_resources),
            Route("/apis/{group}/{version}", self.group_resources),
            Route("/openapi/v2", self.openapi_v2),
            Route("/openapi/v3", self.openapi_v3),
            Route("/openapi/v3/{key:path}", self.openapi_v3_of),
            Route("/api/v1/{path:path}", self.serve_core, methods=METHODS),
            Route("/apis/{group}/{version}/{path:path}", self.serve, methods=METHODS),
        ]

    async def version(self, _request: Request) -> Response:
        major, minor = GIT_VERSION[1:].split(".")[:2]
        found = {
            "major": major,
            "minor": minor,
            "gitVersion": GIT_VERSION,
            "gitCommit": __version__,
            "platform": "linux",
        }
        return json_response(found)

    async def core(self, request: Request) -> Response:
        return self._discovered(request, discovery.core_versions(), core=True)

    async def groups(self, request: Request) -> Response:
        return self._discovered(request, discovery.groups(self._groups), core=False)

    def _discovered(self, request: Request, legacy: dict[str, Any], *, core: bool) -> Response:
        for choice in request.headers.get("accept", "").split(","):
            parts = {part.strip() for part in choice.split(";")}
            if "as=APIGroupDiscoveryList" in parts:
                version = "v2" if "v=v2" in parts else "v2beta1"
                media = discovery.AGGREGATED_V2 if version == "v2" else discovery.AGGREGATED_V2BETA1
                answer = json_response(discovery.aggregated(self._groups, core, version))
                answer.headers["content-type"] = media  # echoed, or the client reads it as the legacy document
                return answer
        return json_response(legacy)

    async def group(self, request: Request) -> Response:
        found = discovery.group(request.path_params["group"], self._groups)
        return json_response(found) if found["versions"] else answers.not_served(request.url.path)

    async def core_resources(self, request: Request) -> Response:
        return self._resources_of(request, CORE)

    async def group_resources(self, request: Request) -> Response:
        return self._resources_of(request, GroupVersion(request.path_params["group"], request.path_params["version"]))

    def _resources_of(self, request: Request, group_version: GroupVersion) -> Response:
        if group_version not in self._groups:
            return answers.not_served(request.url.path)
        return json_response(discovery.resources(group_version))

    async def openapi_v2(self, request: Request) -> Response:
        if "protobuf" in request.headers.get("accept", ""):
            # Not under its own name: kubectl 1.20 cannot read a media type with `@` in it.
            return Response(openapi.v2_protobuf(self._stored), media_type="application/octet-stream")
        return json_response(openapi.v2(self._stored))

    async def openapi_v3(self, _request: Request) -> Response:
        return json_response(openapi.v3_index(self._stored))

    async def openapi_v3_of(self, request: Request) -> Response:
        key = request.path_params["key"]
        document = openapi.v3(key) if key in map(openapi.v3_key, self._stored) else None
        return json_response(document) if document is not None else answers.not_served(request.url.path)

    async def serve_core(self, request: Request) -> Response:
        return await self._serve(request, CORE)

    async def serve(self, request: Request) -> Response:
        group_version = GroupVersion(request.path_params["group"], request.path_params["version"])
        if group_version in discovery.REVIEWS and group_version in self._groups:
            return await self._review(request, group_version)
        return await self._serve(request, group_version)

    async def _review(self, request: Request, group_version: GroupVersion) -> Response:
        plural = request.path_params["path"].strip("/").rpartition("/")[2]
        caller: Caller = request.state.caller
        services = self._services
        if request.method != "POST" or plural not in {entry[0] for entry in discovery.REVIEWS[group_version]}:
            return answers.not_served(request.url.path)
        try:
            await self._judge(caller, AccessRequest("create", group_version.group, plural))
            review = await bodies.parsed(request)
            if not isinstance(review, dict):
                raise BadRequest("the request body is not an object")
        except StoreError as error:
            return answers.refused(error)
        match plural:
            case "selfsubjectaccessreviews":
                answer = await reviews.access(services.authorizer, caller, review)
            case "subjectaccessreviews" | "localsubjectaccessreviews":
                answer = await reviews.access(services.authorizer, reviews.subject(review), review)
            case "selfsubjectrulesreviews":
                answer = await reviews.rules(services.authorizer, caller, review)
            case "selfsubjectreviews":
                answer = reviews.whoami(caller, review)
            case _:
                answer = await reviews.token(services.authenticator, review)
        return json_response(answer, 201)

    async def _serve(self, request: Request, group_version: GroupVersion) -> Response:
        target = parse(group_version, request.path_params["path"])
        if target is None or group_version not in self._groups:
            return answers.not_served(request.url.path)
        received = self._services.clock.now()
        caller: Caller = request.state.caller
        verb = self._verb(request, target)
        if verb is None:
            return json_response(failure(405, "MethodNotAllowed", "the server does not allow this method here"), 405)
        try:
            await self._judge(caller, target.asks(verb))
            done = await self._do(request, target, verb, caller)
        except NotAcceptable as refused:
            message = f"only the following media types are accepted: application/json (not {refused})"
            return json_response(failure(406, "NotAcceptable", message), 406)
        except StoreError as error:
            self._on_record(request, caller, target, verb, received, answers.refusal(error), None)
            return answers.refused(error)
        if isinstance(done, Response):
            self._on_record(request, caller, target, verb, received, {"code": done.status_code}, None)
            return done
        status = {**done.content, "code": done.code} if done.code >= 400 else {"code": done.code}
        self._on_record(request, caller, target, verb, received, status, done)
        return json_response(done.content, done.code, done.warnings)

    def _verb(self, request: Request, target: Target) -> str | None:
        if target.subresource and target.subresource != "status":
            return {**OBJECT_VERBS, "POST": "create"}.get(request.method)
        verb = (OBJECT_VERBS if target.name else COLLECTION_VERBS).get(request.method)
        if verb in ("get", "list") and flag(request.query_params.get("watch")):
            return "watch"
        return verb

    async def _judge(self, caller: Caller, asked: AccessRequest) -> None:
        """Raises Forbidden in the words that kubectl users know."""
        why = await self._services.authorizer.refusal(caller, asked)
        if why is None:
            return
        where = f' in the namespace "{asked.namespace}"' if asked.namespace else " at the cluster scope"
        qualified = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
        named = f' "{asked.name}"' if asked.name else ""
        raise Forbidden(
            f'{qualified}{named} is forbidden: User "{caller.name}" cannot {asked.verb} resource "{asked.target}" '
            f'in API group "{asked.group}"{where}' + (f": {why}" if why else ""),
            kind=asked.resource,
            group=asked.group,
            name=asked.name,
        )

    async def _do(self, request: Request, target: Target, verb: str, caller: Caller) -> Done | Response:
        if target.subresource and target.subresource != "status":
            return await self._subresource(request, target, caller)
        if target.subresource == "status" and not target.kind.status:
            raise NotFound("the server could not find the requested resource")
        if verb == "create" and target.kind is kinds.NODE_REPORT and caller.node is not None:
            await self._judge_report(request, caller.node, caller)
        return await self._deeds.do(request, target, verb)

    async def _judge_report(self, request: Request, node: str, caller: Caller) -> None:
        """The name of a new report stands in its body. Raises Forbidden."""
        body = await bodies.parsed(request)
        name = str((body.get("metadata") or {}).get("name") or "") if isinstance(body, dict) else ""
        if not noderestriction.owns(caller, name):
            raise Forbidden(f'node "{node}" may write only its own NodeReports, not "{name}"')

    async def _subresource(self, request: Request, target: Target, caller: Caller) -> Response:
        services = self._services
        if target.kind is kinds.POD and target.subresource == "log":
            return await self._log(request, target)
        route = services.subresources.get((target.kind.plural, target.subresource))
        if route is None:
            return answers.not_served(request.url.path)
        obj = None
        if target.namespace or not target.kind.namespaced:
            with contextlib.suppress(NotFound):
                obj = await services.resources.get(target.kind, target.name, target.in_namespace)
        return await route(Subresource(request, caller, target.namespace, target.name, obj, target.rest))

    async def _log(self, request: Request, target: Target) -> Response:
        if self._services.pod_logs is None:
            return PlainTextResponse("logs of pods are not kept here\n", 501)
        query = request.query_params
        tail = query.get("tailLines", "")
        limit = query.get("limitBytes", "")
        wanted = LogRequest(
            target.namespace,
            target.name,
            query.get("container", ""),
            follow=flag(query.get("follow")),
            previous=flag(query.get("previous")),
            since=since(query, self._services.clock.now()),
            tail_lines=int(tail) if tail.isdigit() else None,
            timestamps=flag(query.get("timestamps")),
            limit_bytes=int(limit) if limit.isdigit() else None,
        )
        output = self._services.pod_logs.read(wanted)
        first = await anext(output, b"")  # whatever is wrong is told now, with its own code
        return StreamingResponse(followed(first, output), media_type="text/plain")

    async def admit(self, connection: HTTPConnection, request: ExecRequest) -> Refusal | None:
        """The gate of exec (`streaming.Gate`): the right to create `pods/exec`, and the record of its use."""
        received = self._services.clock.now()
        caller: Caller = connection.state.caller
        target = Target(kinds.POD, CORE, request.namespace, request.pod, "exec")
        try:
            await self._judge(caller, target.asks("create"))
        except Forbidden as error:
            self._on_record(connection, caller, target, "create", received, answers.refusal(error), None)
            return Refusal(403, error.reason, error.message)
        self._on_record(connection, caller, target, "create", received, {"code": 101}, None)
        return None

    def _on_record(
        self, connection: HTTPConnection, caller: Caller, target: Target, verb: str, received: datetime,
        status: dict[str, Any], done: Done | None,
    ) -> None:  # fmt: skip
        if verb not in WRITES and target.subresource not in READ_ON_RECORD:
            return
        if target.kind in (kinds.NODE_REPORT, kinds.EVENT, kinds.LEASE) and status["code"] < 400:
            return  # what processes write every few seconds about themselves would bury what people do
        # Nothing of a Secret but that it was touched: the record is read by more people than the Secret.
        sent = done if done is not None and target.kind is not kinds.SECRET else None
        reference = {
            "resource": target.kind.plural, "namespace": target.namespace,
            "name": target.name or (done.name if done else ""), "apiGroup": target.group_version.group,
            "apiVersion": target.group_version.version, "subresource": target.subresource,
        }  # fmt: skip
        self._services.audit.write(
            audit.record(
                connection, caller, verb=verb, object_ref=reference, code=status["code"], received=received,
                completed=self._services.clock.now(), request_object=sent.sent if sent else None,
                response_object=sent.content if sent and verb in WRITES else None, reason=status.get("reason", ""),
                message=status.get("message", ""),
            )
        )  # fmt: skip


def since(query: QueryParams, now: datetime) -> datetime | None:
    """From when on a log is wanted: `sinceSeconds` before now, or `sinceTime`. Raises BadRequest."""
    seconds, moment = query.get("sinceSeconds", ""), query.get("sinceTime", "")
    if seconds:
        if not seconds.isdigit() or int(seconds) == 0:
            raise BadRequest(f"sinceSeconds must be a positive number, not {seconds!r}")
        return now - timedelta(seconds=min(int(seconds), SINCE_S_MAX))
    if not moment:
        return None
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        raise BadRequest(f"sinceTime must be a time as RFC 3339 writes it, not {moment!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def followed(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
