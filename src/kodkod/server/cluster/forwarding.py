"""How does a request on `projectcalico.org/v3` reach the objects? It is passed on to the CRDs under another group.

Patches, server-side apply, pages, resource versions, Tables and watches are the real API server's. Ours is this alone:
Patches, server-side apply, pages, resource versions, Tables and watches are those of the real API server. Ours is this:
were judged before; what is sent carries our own narrow identity, and the caller's user agent, from which the API server
derives the field manager where none is named.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
import yarl
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from kodkod.resources.kinds import GroupVersion
from kodkod.resources.validation import Checks
from kodkod.server.cluster.admission import judged
from kodkod.server.kube import bodies
from kodkod.server.kube.answers import NotAcceptable
from kodkod.server.kube.targets import Target
from kodkod.server.kube.verbs import Done
from kodkod.store.errors import NotFound, Unavailable
from kodkod.store.groups import renamed
from kodkod.store.remote import RemoteResources, hang_up

ANSWER_S = 60.0
METHODS = {
    "get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH",
    "delete": "DELETE", "deletecollection": "DELETE",
}  # fmt: skip
PASSED_ON = ("user-agent", "accept-language")

Json = dict[str, Any]


class Forwarding:
    """Implements `kube.face.Deeds`."""

    def __init__(self, api: RemoteResources, checks: Checks) -> None:
        self._api = api
        self._checks = checks

    async def do(self, request: Request, target: Target, verb: str) -> Done | Response:
        """Raises NotAcceptable, StoreError; what the API server refuses is an answer."""
        if verb == "watch":
            return await self._watch(request, target)
        body = await bodies.parsed(request) if verb in ("create", "update", "patch") else None
        warnings: list[str] = []
        if verb in ("create", "update") and target.subresource == "":
            body = judged(target.kind, body, self._checks, warnings)
        elif verb == "patch" and target.subresource == "":
            trial = await self._send(request, target, verb, body, is_trial=True)
            if trial.code >= 400:
                return trial
            judged(target.kind, trial.content, self._checks, warnings)
        done = await self._send(request, target, verb, body)
        done.warnings[:0] = warnings
        return done

    async def _send(
        self, request: Request, target: Target, verb: str, body: Any = None, *, is_trial: bool = False
    ) -> Done:
        """One request and its whole answer."""
        headers, data = await self._worded(request, target, verb, body)
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        url = self._url(request, target, verb, dry_run=is_trial)
        if is_trial:
            headers["Accept"] = "application/json"  # the object itself, whatever form the caller takes
        try:
            async with self._api.session.request(
                METHODS[verb], url, data=data, headers=headers, timeout=timeout
            ) as answer:
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"the cluster's API does not answer: {error or 'no answer in time'}") from error
        content = self._shown(answered(text, answer), target)
        name = str((content.get("metadata") or {}).get("name") or target.name)
        warnings = [unquoted(value) for value in answer.headers.getall("Warning", [])]
        return Done(content, answer.status, warnings, body, name)

    async def _watch(self, request: Request, target: Target) -> Response:
        headers, _ = await self._worded(request, target, "watch", None)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S)
        try:
            answer = await self._api.session.get(self._url(request, target, "watch"), headers=headers, timeout=timeout)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"the cluster's API does not answer: {error or 'no answer in time'}") from error
        if answer.status >= 400:
            async with answer:
                content = self._shown(answered(await answer.read(), answer), target)
            return Response(orjson.dumps(content), answer.status, media_type="application/json")
        media = answer.headers.get("Content-Type", "application/json")
        return StreamingResponse(self._lines(answer, target), answer.status, headers={"Content-Type": media})

    async def _worded(
        self, request: Request, target: Target, verb: str, body: Any
    ) -> tuple[dict[str, str], bytes | None]:
        """Headers and body as the API server reads them."""
        headers = {name: value for name, value in request.headers.items() if name in PASSED_ON}
        headers["Accept"] = in_json(request.headers.get("accept", ""))
        media = request.headers.get("content-type", "").partition(";")[0].strip()
        if body is not None:
            # An apply patch in JSON is one in YAML; whatever else came as YAML goes on as JSON.
            is_plain_yaml = media.endswith("yaml") and not media.startswith("application/apply-patch")
            headers["Content-Type"] = "application/json" if is_plain_yaml or not media else media
            return headers, orjson.dumps(self._stored(body, target))
        if verb not in ("delete", "deletecollection"):
            return headers, None
        data = await bodies.read(request)
        if not data:
            return headers, None
        headers["Content-Type"] = media or "application/json"
        if data.startswith(bodies.MAGIC):
            return headers, data  # DeleteOptions belong to every group alike
        return headers, orjson.dumps(self._stored(await bodies.parsed(request), target))

    def _url(self, request: Request, target: Target, verb: str, *, dry_run: bool = False) -> yarl.URL:
        """With the caller's parameters, but for a `watch` that was not judged as one: any value means it there."""
        given = [pair for pair in request.query_params.multi_items() if pair[0] != "watch" or verb == "watch"]
        if dry_run and not is_dry(request):
            given.append(("dryRun", "All"))
        path = path_of(target, self._kept(target))
        return yarl.URL(f"{self._api.server}{path}{'?' + urlencode(given) if given else ''}", encoded=True)

    def _kept(self, target: Target) -> GroupVersion:
        return self._api.stored_as.get(target.group_version, target.group_version)

    def _stored(self, body: Any, target: Target) -> Any:
        return renamed(body, target.group_version, self._kept(target))

    def _shown(self, content: Json, target: Target) -> Json:
        return shown(content, self._kept(target), target.group_version)

    async def _lines(self, answer: aiohttp.ClientResponse, target: Target) -> AsyncIterator[bytes]:
        """A watch's events, renamed one by one, until the API server ends it or the caller leaves."""
        yield b""  # the headers go out at once, so that the client knows it is connected
        try:
            while line := await answer.content.readline():
                event: Mapping[str, Any] = orjson.loads(line)
                yield orjson.dumps({**event, "object": self._shown(event["object"], target)}) + b"\n"
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return  # the caller sees its watch end, and begins anew
        finally:
            hang_up(answer)


def is_dry(request: Request) -> bool:
    return "All" in request.query_params.getlist("dryRun")


def path_of(target: Target, kept: GroupVersion) -> str:
    """Where the objects are stored. A name that would lead elsewhere names nothing. Raises NotFound."""
    root = f"/apis/{kept}" if kept.group else f"/api/{kept.version}"
    parts = [target.kind.plural, target.name, target.subresource]
    if target.namespace:
        parts = ["namespaces", target.namespace, *parts]
    for part in (target.namespace, target.name):
        if part in (".", ".."):
            raise NotFound(f'{target.kind.qualified} "{part}" not found', kind=target.kind.plural, name=part)
    return "/".join([root, *(quote(part, safe="") for part in parts if part)])


def shown(content: Json, kept: GroupVersion, asked: GroupVersion) -> Json:
    """An answer in the group that was asked for; a Status speaks of it in its words too."""
    if kept == asked:
        return content
    if content.get("kind") != "Status":
        found: Json = renamed(content, kept, asked)
        return found
    told = {**content, "message": in_words(str(content.get("message", "")), kept, asked)}
    if isinstance(content.get("details"), dict):
        details = {**content["details"]}
        if details.get("group") == kept.group:
            details["group"] = asked.group
        details["causes"] = [
            {**cause, "message": in_words(str(cause.get("message", "")), kept, asked)}
            for cause in details.get("causes") or []
        ]
        told["details"] = {key: value for key, value in details.items() if value not in ([], None)}
    return told


def in_words(text: str, old: GroupVersion, new: GroupVersion) -> str:
    return text.replace(str(old), str(new)).replace(old.group, new.group)


def in_json(accept: str) -> str:
    """What is left of the accepted forms without those that cannot be renamed. Raises NotAcceptable."""
    choices = [choice.strip() for choice in accept.split(",") if choice.strip()]
    if not choices or any(choice.partition(";")[0] in ("*/*", "application/*") for choice in choices):
        choices.append("application/json")
    kept = [choice for choice in choices if choice.partition(";")[0].strip() == "application/json"]
    if not kept:
        raise NotAcceptable(accept)
    return ", ".join(dict.fromkeys(kept))


def answered(text: bytes, answer: aiohttp.ClientResponse) -> Json:
    """The answer's content; of one that is no JSON a Status that quotes it."""
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        content = None
    if isinstance(content, dict):
        return content
    message = f"the cluster's API answered {answer.status}: {text[:200].decode(errors='replace').strip()}"
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": "ServiceUnavailable" if answer.status >= 500 else "", "code": answer.status,
    }  # fmt: skip


def unquoted(header: str) -> str:
    """The text of `299 - "text"`."""
    return header.partition('"')[2].rpartition('"')[0].replace('\\"', '"')
