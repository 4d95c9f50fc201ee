"""The console's files and its way in: static pages at `/`, and the trade of a one-time link for a session."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kodkod.access import Caller
from kodkod.server.auth import COOKIE, SESSION_LIFE, BadToken, Sessions

MISSING = "The console has not been built. `make setup` builds it; the API works without it.\n"
IMMUTABLE = "public, max-age=31536000, immutable"  # built assets carry their content's hash in their name


class Console:
    """web: the folder with the built console; it may be absent."""

    def __init__(self, web: Path | None, sessions: Sessions) -> None:
        self._web = web
        self._sessions = sessions

    def routes(self) -> list[BaseRoute]:
        """The catch-all stands last: whatever nobody else serves is a deep link of the console."""
        return [
            Route("/login", self.login),
            Route("/v1/session/link", self.link, methods=["POST"]),
            Route("/v1/session", self.end, methods=["DELETE"]),
            Route("/{path:path}", self.page),
        ]

    async def login(self, request: Request) -> Response:
        """Trade a link's code for a session and go to the console."""
        try:
            cookie = self._sessions.trade(request.query_params.get("code", ""))
        except BadToken:
            text = "This login link was used before, or is too old. `kodkod up` prints a new one.\n"
            return PlainTextResponse(text, 401)
        answer = RedirectResponse("/alerts", 303)
        answer.set_cookie(
            COOKIE, cookie, max_age=int(SESSION_LIFE.total_seconds()), secure=True, httponly=True, samesite="strict"
        )
        return answer

    async def link(self, request: Request) -> Response:
        """A one-time link for the caller, who has shown a token."""
        caller: Caller = request.state.caller
        return JSONResponse({"path": f"/login?code={self._sessions.make_link(caller)}"})

    async def end(self, request: Request) -> Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = JSONResponse({})
        answer.delete_cookie(COOKIE)
        return answer

    async def page(self, request: Request) -> Response:
        """A file of the console, or its page for any other path: the page reads the address itself."""
        if self._web is None or not (self._web / "index.html").exists():
            return PlainTextResponse(MISSING, 404)
        wanted = (self._web / request.path_params["path"]).resolve()
        if wanted.is_file() and wanted.is_relative_to(self._web.resolve()):
            headers = {"Cache-Control": IMMUTABLE} if "assets" in wanted.parts else {}
            return FileResponse(wanted, headers=headers)
        return FileResponse(self._web / "index.html", headers={"Cache-Control": "no-cache"})
