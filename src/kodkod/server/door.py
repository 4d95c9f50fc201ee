"""Who gets in? Every request has a caller before any route sees it; answers carry the browser's safety headers."""

from __future__ import annotations

from typing import Any, Protocol

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kodkod.access import ANONYMOUS
from kodkod.clock import Clock
from kodkod.server import audit
from kodkod.server.auth import COOKIE, Authenticator, BadToken, Misused
from kodkod.server.kube.answers import failure, json_response, refused
from kodkod.store.errors import StoreError

# Asked before anybody has signed in: health, the login trade, and the console's own files.
OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/login")
GUARDED = (
    "/api",
    "/apis",
    "/openapi",
    "/version",
    "/v1",
    "/metrics",
    "/packet-capture",
    "/tigera_",
    "/_search",
    "/download",
)

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


class AuditSink(Protocol):
    def write(self, record: dict[str, Any]) -> None: ...


class Keys(Protocol):
    """What the door needs of a server."""

    @property
    def authenticator(self) -> Authenticator: ...

    @property
    def audit(self) -> AuditSink: ...

    @property
    def clock(self) -> Clock: ...


class Door:
    """ASGI middleware: sets `state.caller`, answers 401 itself, adds the safety headers."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        scope.setdefault("state", {})
        try:
            scope["state"]["caller"] = await self._keys.authenticator.caller_of(connection)
        except Misused as misuse:
            self._on_record(connection, misuse)
            await refuse(json_response(failure(403, "Forbidden", misuse.why), 403), scope, receive, send)
            return
        except StoreError as error:
            await refuse(refused(error), scope, receive, send)
            return
        except BadToken:
            if is_guarded(scope["path"]):
                await self._unauthorized(scope, receive, send)
                return
            scope["state"]["caller"] = ANONYMOUS
        if scope["state"]["caller"] == ANONYMOUS and is_guarded(scope["path"]):
            await self._unauthorized(scope, receive, send)
            return
        if is_foreign(connection):
            await self._foreign(scope, receive, send)
            return
        await self._app(scope, receive, with_safety(send))

    async def _foreign(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = "a session may change things only from the console's own pages"
        await refuse(json_response(failure(403, "Forbidden", message), 403), scope, receive, send)

    def _on_record(self, connection: HTTPConnection, misuse: Misused) -> None:
        now = self._keys.clock.now()
        verb = str(connection.scope.get("method", "get")).lower()
        self._keys.audit.write(
            audit.record(
                connection, misuse.caller, verb=verb, object_ref={}, code=403, received=now, completed=now,
                reason="Forbidden", message=misuse.why,
            )
        )  # fmt: skip

    async def _unauthorized(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        is_given = "authorization" in HTTPConnection(scope).headers
        what = "the token is not known here, or has ended" if is_given else "no token was given"
        what += '; send "Authorization: Bearer" with the token of a kubeconfig'
        message = f"Unauthorized: {what}"
        answer = json_response(failure(401, "Unauthorized", message), 401)
        if path.startswith(("/packet-capture", "/download")):
            answer.body = f"401: {what}\n".encode()
            answer.headers["content-type"] = "text/plain"
            answer.headers["content-length"] = str(len(answer.body))
        await refuse(answer, scope, receive, send)


async def refuse(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Say no in the words of the connection; a WebSocket is closed before it is one."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        await answer(scope, receive, send)


def is_foreign(connection: HTTPConnection) -> bool:
    """Whether another site's page is using the console's session to change something.

    SameSite=Strict does not tell ports apart: a page of any other service of this host would carry the cookie. A
    browser names the page's origin with every such request, so a session may act only from our own.
    """
    if "authorization" in connection.headers or COOKIE not in connection.cookies:
        return False
    if connection.scope["type"] == "http" and connection.scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return False
    return connection.headers.get("origin") != f"https://{connection.headers.get('host')}"


def is_guarded(path: str) -> bool:
    """Whether a path needs a caller. The console's files do not; what they ask for does."""
    if path in OPEN_PATHS:
        return False
    return any(
        path == prefix or path.startswith(prefix if prefix.endswith("_") else prefix + "/") for prefix in GUARDED
    )


def with_safety(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "no-referrer")
        await send(message)

    return sending
