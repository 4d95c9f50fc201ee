"""Who gets in? Every request has a caller before any route sees it; answers carry the browser's safety headers."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kodkod.access import ANONYMOUS
from kodkod.server.auth import COOKIE, Authenticator, BadToken
from kodkod.server.kube.answers import failure, json_response

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


class Door:
    """ASGI middleware: sets `state.caller`, answers 401 itself, adds the safety headers."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        scope.setdefault("state", {})
        try:
            scope["state"]["caller"] = await self._authenticator.caller_of(connection)
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
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        message = "a session may change things only from the console's own pages"
        await json_response(failure(403, "Forbidden", message), 403)(scope, receive, send)

    async def _unauthorized(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        message = "Unauthorized: no valid token was given"
        answer = json_response(failure(401, "Unauthorized", message), 401)
        if path.startswith(("/packet-capture", "/download")):
            answer.body = b"401: no valid token was given\n"
            answer.headers["content-type"] = "text/plain"
            answer.headers["content-length"] = str(len(answer.body))
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
