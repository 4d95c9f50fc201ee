"""How does a person come into the console, and who are they there? `/v1/session`.

A token shown once is traded for a cookie that scripts of the page cannot read; so the token is kept nowhere in the
browser. A session lasts no longer than the token it was traded for.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from kodkod.access import Caller
from kodkod.server.auth import COOKIE, Sessions, bearer
from kodkod.server.problems import RESPONSES, Problem, ProblemRoute


class SessionBody(BaseModel):
    """Who is calling."""

    name: str
    groups: list[str]


class LinkBody(BaseModel):
    path: str = Field(description="Opens the console once, within ten minutes.")


def router(sessions: Sessions) -> APIRouter:
    routes = APIRouter(prefix="/session", route_class=ProblemRoute, responses=RESPONSES, tags=["session"])

    @routes.get("", response_model=SessionBody)
    async def whoami(request: Request) -> SessionBody:
        """The caller, however they were recognised."""
        return body_of(request.state.caller)

    @routes.post("", response_model=SessionBody)
    async def begin(request: Request, response: Response) -> SessionBody:
        """Trade the bearer token of this request for the console's cookie."""
        caller = person(request)
        set_cookie(response, *sessions.begin(caller, expiry_of(bearer(request))))
        return body_of(caller)

    @routes.post("/link", response_model=LinkBody)
    async def link(request: Request) -> LinkBody:
        """A link for the caller, who shows a token, that opens the console once."""
        caller = person(request)
        return LinkBody(path=f"/login?code={sessions.make_link(caller, expiry_of(bearer(request)))}")

    @routes.delete("", response_model=dict[str, str])
    async def end(request: Request, response: Response) -> dict[str, str]:
        """End the session of the cookie."""
        sessions.end(request.cookies.get(COOKIE, ""))
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return {}

    return routes


def person(request: Request) -> Caller:
    """Who shows a token for a session. A session cannot renew itself, and a node's token is bound to its place."""
    caller: Caller = request.state.caller
    if not bearer(request):
        raise Problem(400, "bad_request", "a session is had for a token", "send Authorization: Bearer …")
    if caller.node is not None:
        raise Problem(403, "forbidden", f'"{caller.name}" is a node: sessions are for people')
    return caller


def body_of(caller: Caller) -> SessionBody:
    return SessionBody(name=caller.name, groups=list(caller.groups))


def set_cookie(response: Response, cookie: str, life_s: int) -> None:
    response.set_cookie(COOKIE, cookie, max_age=life_s, secure=True, httponly=True, samesite="strict")


def expiry_of(token: str) -> datetime | None:
    """When a JWT says it ends; None where it does not. The token has been judged already: this only reads."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
