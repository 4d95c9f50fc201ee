"""Who is calling? By bearer token, or by the console's session cookie.

A session begins with a one-time link: whoever holds a token may ask for one, the browser trades it for an HttpOnly,
SameSite=Strict cookie. Links live for minutes and work once; sessions live in memory and end with the server.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from starlette.requests import HTTPConnection

from kodkod.access import ANONYMOUS, Caller
from kodkod.clock import Clock
from kodkod.server.credentials import digest

COOKIE = "kodkod_session"
LINK_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(hours=12)
SESSIONS_MAX = 1000


class BadToken(Exception):
    """A token or cookie was given and nobody knows it."""


class Misused(Exception):
    """A proof was used where it must not be. The request is refused, and that goes on record."""

    def __init__(self, caller: Caller, why: str) -> None:
        super().__init__(why)
        self.caller = caller
        self.why = why


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link or a session stands for, and until when. ends: when the token behind it ends, if that is known."""

    caller: Caller
    until: datetime
    ends: datetime | None = None


class Authenticator(Protocol):
    """Whoever knows callers: the tokens of one host, or a cluster that is asked."""

    async def caller_of(self, connection: HTTPConnection) -> Caller:
        """The caller of a request; ANONYMOUS without any proof.

        Raises BadToken for a wrong one, Misused for one that is not for this place, StoreError where nobody can say.
        """
        ...

    async def caller_of_token(self, token: str) -> Caller:
        """Raises BadToken, StoreError."""
        ...


def bearer(connection: HTTPConnection) -> str:
    """The token of a request; "" where none is given. Raises BadToken for another scheme, or a scheme alone."""
    header = connection.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if header and (scheme.lower() != "bearer" or not token.strip()):
        raise BadToken
    return token.strip()


class TokenAuthenticator:
    """tokens: callers by the digest of their token."""

    def __init__(self, tokens: Mapping[str, Caller], sessions: Sessions) -> None:
        self._tokens = dict(tokens)
        self._sessions = sessions

    async def caller_of(self, connection: HTTPConnection) -> Caller:
        if token := bearer(connection):
            return await self.caller_of_token(token)
        return self._sessions.caller_of(connection)

    async def caller_of_token(self, token: str) -> Caller:
        """Digests are compared, so that time says nothing about the token."""
        wanted = digest(token)
        for known, caller in self._tokens.items():
            if hmac.compare_digest(known, wanted):
                return caller
        raise BadToken


class Sessions:
    """Links and sessions of the console."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: dict[str, Pass] = {}
        self._sessions: dict[str, Pass] = {}

    def caller_of(self, connection: HTTPConnection) -> Caller:
        """By cookie; ANONYMOUS without one. Raises BadToken for one that is not known any more."""
        cookie = connection.cookies.get(COOKIE)
        if not cookie:
            return ANONYMOUS
        found = self._sessions.get(digest(cookie))
        if found is None or found.until < self._clock.now():
            raise BadToken
        return found.caller

    def make_link(self, caller: Caller, ends: datetime | None = None) -> str:
        """A code that works once, for a session of this caller that lasts no longer than `ends`."""
        code = secrets.token_urlsafe(24)
        self._drop_old(self._links)
        self._links[digest(code)] = Pass(caller, self._clock.now() + LINK_LIFE, ends)
        return code

    def trade(self, code: str) -> tuple[str, int]:
        """A session's cookie for a link's code, and its life in seconds. Raises BadToken."""
        found = self._links.pop(digest(code), None)
        if found is None or found.until < self._clock.now():
            raise BadToken
        return self.begin(found.caller, found.ends)

    def begin(self, caller: Caller, ends: datetime | None = None) -> tuple[str, int]:
        """A session's cookie, and its life in seconds: it lasts no longer than `ends`."""
        now = self._clock.now()
        self._drop_old(self._sessions)
        cookie = secrets.token_urlsafe(32)
        until = min(now + SESSION_LIFE, ends or now + SESSION_LIFE)
        self._sessions[digest(cookie)] = Pass(caller, until)
        return cookie, max(int((until - now).total_seconds()), 0)

    def end(self, cookie: str) -> None:
        self._sessions.pop(digest(cookie), None)

    def _drop_old(self, passes: dict[str, Pass]) -> None:
        now = self._clock.now()
        for key in [key for key, one in passes.items() if one.until < now]:
            del passes[key]
        while len(passes) >= SESSIONS_MAX:
            del passes[next(iter(passes))]
