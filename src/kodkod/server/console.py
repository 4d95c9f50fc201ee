"""The console's files and its way in: static pages at `/`, and the trade of a one-time link for a session."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kodkod.server.auth import BadToken, Sessions
from kodkod.server.sessions import set_cookie

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
            Route("/{path:path}", self.page),
        ]

    async def login(self, request: Request) -> Response:
        """Trade a link's code for a session and go to the console."""
        try:
            cookie, life_s = self._sessions.trade(request.query_params.get("code", ""))
        except BadToken:
            text = "This login link was used before, or is too old. `kodkod up` prints a new one.\n"
            return PlainTextResponse(text, 401)
        answer = RedirectResponse("/alerts", 303)
        set_cookie(answer, cookie, life_s)
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
