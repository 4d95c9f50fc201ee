"""Resources behind HTTP: the same verbs, spoken to any server of the Kubernetes API, embedded or a cluster's.

Used by agents, controllers and the command line alike. One `RemoteResources` owns one connection pool; close it, or
use it as a context. Errors are those of `kodkod.store.errors`, read from the server's Status objects.
"""

from __future__ import annotations

import json
import os
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp

from kodkod.resources import Object
from kodkod.resources.findings import Cause
from kodkod.resources.kinds import GroupVersion, Kind
from kodkod.store import in_cluster, kubeconfig
from kodkod.store.errors import BY_REASON, Gone, NotFound, StoreError, Unavailable
from kodkod.store.groups import AS_THEY_ARE, StoredAs, renamed, stored_in_mode
from kodkod.store.protocol import FieldValidation, ObjectList, Patch, Preconditions, Warnings, WatchEvent

REQUEST_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 5.0
# A watch is asked to end by the server after this; a silent connection is given up a little later.
WATCH_S = 300.0
# In a cluster each watch that begins anew costs the API server a list from every node at once: ask rarely.
WATCH_CLUSTER_S = 3600.0
WATCH_JITTER = 0.5
WATCH_GRACE_S = 30.0
LINE_BYTES_MAX = 16 * 1024 * 1024  # one watch event; an object is at most about a megabyte

# The kernel asks a silent peer for a sign of life, so that a cut cable ends a long watch within two minutes.
KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))

Parameters = Mapping[str, str]
Token = str | Callable[[], str]
"""A token, or whoever knows the current one: asked for each request."""


class RemoteResources:
    """Implements `kodkod.store.Resources` over HTTP."""

    def __init__(
        self, server: str, *, token: Token = "", trust: ssl.SSLContext | None = None,
        stored_as: StoredAs = AS_THEY_ARE, watch_s: float = WATCH_S,
    ) -> None:  # fmt: skip
        """server: base URL. Must be made inside a running event loop (aiohttp's rule).

        stored_as: under which group the server keeps the objects of a public one.
        watch_s: how long a watch may last; up to half as long again, so that many do not end together.
        """
        self.server = server.rstrip("/")
        self.stored_as = stored_as
        self._watch_s = watch_s
        self._session = aiohttp.ClientSession(
            headers={"Accept": "application/json", "User-Agent": "kodkod"},
            middlewares=[bearing(token)] if token else [],
            connector=aiohttp.TCPConnector(ssl=trust if trust is not None else True, socket_factory=kept_alive),
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S),
            read_bufsize=LINE_BYTES_MAX,
        )

    @classmethod
    def from_kubeconfig(cls, path: Path) -> Self:
        """Connect as the current context says. Raises KubeconfigError."""
        connection = kubeconfig.load(path)
        return cls(connection.server, token=connection.token, trust=connection.ssl_context())

    @classmethod
    def in_cluster(cls, environment: Mapping[str, str] = os.environ, folder: Path = in_cluster.ACCOUNT) -> Self:
        """Connect as the service account of this pod, to a cluster that keeps our objects as CRDs.

        Raises NotInCluster.
        """
        account = in_cluster.load(environment, folder)
        return cls(
            account.server,
            token=account.token,
            trust=account.ssl_context(),
            stored_as=stored_in_mode(environment.get("KODKOD_API_MODE", "")),
            watch_s=WATCH_CLUSTER_S,
        )

    async def close(self) -> None:
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        """The authenticated pool, for the same server's other doors (`/v1/…`)."""
        return self._session

    async def get(self, kind: Kind, name: str, namespace: str | None = None) -> Object:
        return await self._send(kind, "GET", self._path(kind, namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None = None, *, label_selector: str = "", field_selector: str = "",
        limit: int = 0, continue_token: str = "", resource_version: str = "",
    ) -> ObjectList:  # fmt: skip
        parameters = {
            "labelSelector": label_selector, "fieldSelector": field_selector, "limit": str(limit or ""),
            "continue": continue_token, "resourceVersion": resource_version,
        }  # fmt: skip
        answer = await self._send(kind, "GET", self._path(kind, namespace), parameters=parameters)
        metadata = answer["metadata"]
        items = [{**item, "apiVersion": kind.api_version, "kind": kind.kind} for item in answer.get("items") or []]
        return ObjectList(
            items, metadata["resourceVersion"], metadata.get("continue", ""), metadata.get("remainingItemCount")
        )

    async def create(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, field_manager: str = "", dry_run: bool = False,
        field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        path = self._path(kind, namespace or obj["metadata"].get("namespace"))
        parameters = writing(field_manager, dry_run, field_validation)
        return await self._send(kind, "POST", path, parameters=parameters, body=typed(kind, obj), warnings=warnings)

    async def update(
        self, kind: Kind, obj: Object, namespace: str | None = None, *, subresource: str = "", field_manager: str = "",
        dry_run: bool = False, field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        metadata = obj["metadata"]
        path = self._path(kind, namespace or metadata.get("namespace"), metadata["name"], subresource)
        parameters = writing(field_manager, dry_run, field_validation)
        return await self._send(kind, "PUT", path, parameters=parameters, body=typed(kind, obj), warnings=warnings)

    async def patch(
        self, kind: Kind, name: str, body: object, namespace: str | None = None, *, how: Patch = Patch.MERGE,
        subresource: str = "", field_manager: str = "", force: bool = False, dry_run: bool = False,
        field_validation: FieldValidation = "Warn", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        path = self._path(kind, namespace, name, subresource)
        parameters = writing(field_manager, dry_run, field_validation)
        if how is Patch.APPLY:
            parameters["force"] = str(force).lower()
            body = typed(kind, body)
        return await self._send(
            kind, "PATCH", path, parameters=parameters, body=body, media=how.value, warnings=warnings
        )

    async def delete(
        self, kind: Kind, name: str, namespace: str | None = None, *, preconditions: Preconditions | None = None,
        orphan: bool = False, dry_run: bool = False,
    ) -> Object:  # fmt: skip
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        options["propagationPolicy"] = "Orphan" if orphan else "Background"
        if preconditions is not None:
            wanted = {"uid": preconditions.uid, "resourceVersion": preconditions.resource_version}
            options["preconditions"] = {key: value for key, value in wanted.items() if value}
        if dry_run:
            options["dryRun"] = ["All"]
        return await self._send(kind, "DELETE", self._path(kind, namespace, name), body=options)

    async def watch(
        self, kind: Kind, namespace: str | None = None, *, resource_version: str, label_selector: str = "",
        field_selector: str = "", bookmarks: bool = False, initial_events: bool = False,
    ) -> AsyncIterator[WatchEvent]:  # fmt: skip
        lasts_s = self._watch_s * random.uniform(1.0, 1.0 + WATCH_JITTER)
        parameters = {
            "watch": "true", "resourceVersion": resource_version, "labelSelector": label_selector,
            "fieldSelector": field_selector, "allowWatchBookmarks": "true" if bookmarks else "",
            "sendInitialEvents": "true" if initial_events else "",
            "resourceVersionMatch": "NotOlderThan" if initial_events else "", "timeoutSeconds": str(int(lasts_s)),
        }  # fmt: skip
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=lasts_s + WATCH_GRACE_S)
        try:
            async with self._session.get(
                self.server + self._path(kind, namespace), params=given(parameters), timeout=timeout
            ) as answer:
                if answer.status >= 400:
                    raise refusal(answer.status, await answer.text())
                try:
                    while line := await answer.content.readline():
                        event = event_of(json.loads(line))
                        yield WatchEvent(event.type, self._public(kind, event.object))
                finally:
                    hang_up(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"{self.server}: watch ended: {error}") from error

    async def _send(
        self, kind: Kind, method: str, path: str, *, parameters: Parameters | None = None, body: object = None,
        media: str = "application/json", warnings: Warnings | None = None,
    ) -> Object:  # fmt: skip
        data = None if body is None else json.dumps(self._stored(kind, body)).encode()
        headers = {"Content-Type": media} if data is not None else {}
        try:
            async with self._session.request(
                method, self.server + path, params=given(parameters or {}), data=data, headers=headers
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"{self.server}: {error or 'no answer in time'}") from error
        if answer.status >= 400:
            raise refusal(answer.status, text)
        if warnings is not None:
            warnings.extend(warning_text(value) for value in answer.headers.getall("Warning", []))
        try:
            found: Object = json.loads(text)
        except ValueError as error:
            raise Unavailable(f"{self.server}: answer cut or no JSON: {text[:80]!r}") from error
        return self._public(kind, found)

    def _path(self, kind: Kind, namespace: str | None = None, name: str = "", subresource: str = "") -> str:
        group_version = self.stored_as.get(kind.group_version, kind.group_version)
        return path_of(kind, namespace, name, subresource, group_version=group_version)

    def _stored(self, kind: Kind, body: object) -> object:
        stored_as = self.stored_as.get(kind.group_version)
        return body if stored_as is None else renamed(body, kind.group_version, stored_as)

    def _public(self, kind: Kind, obj: Object) -> Object:
        stored_as = self.stored_as.get(kind.group_version)
        if stored_as is None:
            return obj
        shown: Object = renamed(obj, stored_as, kind.group_version)
        return shown


def typed(kind: Kind, body: object) -> object:
    """With its apiVersion and kind, which an API server asks for in each whole object."""
    if not isinstance(body, dict):
        return body
    return {"apiVersion": kind.api_version, "kind": kind.kind, **body}


def bearing(token: Token) -> aiohttp.ClientMiddlewareType:
    """Sends a token with every request of a session, as it is at that moment."""

    async def with_token(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        request.headers.setdefault("Authorization", f"Bearer {token() if callable(token) else token}")
        return await handler(request)

    return with_token


def kept_alive(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that asks a silent peer whether it still lives."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEP_ALIVE:
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


def hang_up(answer: aiohttp.ClientResponse) -> None:
    """Leave a watch midway: at once, since TLS's farewell would outlive the session, and the loop."""
    connection = answer.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()


def path_of(
    kind: Kind, namespace: str | None = None, name: str = "", subresource: str = "",
    *, group_version: GroupVersion | None = None,
) -> str:  # fmt: skip
    """Path of a collection or an object below the server's root; group_version: another than the kind's own."""
    served = group_version if group_version is not None else kind.group_version
    root = f"/apis/{served}" if served.group else f"/api/{served.version}"
    inside = f"/namespaces/{namespace}" if kind.namespaced and namespace else ""
    return "/".join(part for part in (f"{root}{inside}/{kind.plural}", name, subresource) if part)


def writing(field_manager: str, dry_run: bool, field_validation: FieldValidation) -> dict[str, str]:
    return {
        "fieldManager": field_manager,
        "dryRun": "All" if dry_run else "",
        "fieldValidation": field_validation,
    }


def given(parameters: Parameters) -> dict[str, str]:
    """Without what is empty; but an empty resourceVersion of a watch means the same as none."""
    return {key: value for key, value in parameters.items() if value}


def event_of(line: dict[str, Any]) -> WatchEvent:
    """One line of a watch. An ERROR event is raised: 410 as Gone."""
    if line["type"] == "ERROR":
        raise refusal(line["object"].get("code", 500), json.dumps(line["object"]))
    return WatchEvent(line["type"], line["object"])


def refusal(code: int, text: str) -> StoreError:
    """The error that a Status object stands for; of an answer that is none, by its code."""
    try:
        status = json.loads(text)
    except ValueError:
        status = {}
    if not isinstance(status, dict) or status.get("kind") != "Status":
        # An API server says in plain text that it serves no such path; what lies before it says anything.
        return (NotFound if code == 404 else Unavailable)(f"status {code}: {text.strip()[:200]}")
    if code == 410:
        return Gone(status.get("message", "expired"))
    details = status.get("details") or {}
    causes = [
        Cause(cause.get("reason", ""), cause.get("message", ""), cause.get("field", ""))
        for cause in details.get("causes") or []
    ]
    is_temporary = code >= 500 or code == 429
    kind_of_error = BY_REASON.get(status.get("reason", ""), Unavailable if is_temporary else StoreError)
    return kind_of_error(
        status.get("message", ""),
        causes=causes,
        kind=details.get("kind", ""),
        group=details.get("group", ""),
        name=details.get("name", ""),
    )


def warning_text(header: str) -> str:
    """The text of `299 - "text"`."""
    return header.partition('"')[2].rpartition('"')[0].replace('\\"', '"')
