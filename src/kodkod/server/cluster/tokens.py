"""Whose token is this? The cluster says so (TokenReview); its answer is believed for a minute.

Agents show a token made for us alone (audience `kodkod`), which is worth nothing at the API server; people show what
kubectl shows. Only the first kind says on which node its pod runs, and is taken from there alone (`places`).
Source: authentication.k8s.io/v1; claims of bound service account tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection

from kodkod.access import ANONYMOUS, Caller
from kodkod.clock import Clock
from kodkod.server.auth import BadToken, Misused, Sessions, bearer
from kodkod.server.cluster.foreign import TOKEN_REVIEW
from kodkod.server.cluster.places import Places
from kodkod.server.cluster.recent import Recent
from kodkod.server.credentials import digest
from kodkod.store import Resources

AUDIENCE = "kodkod"
KNOWN_S = 60.0
UNKNOWN_S = 10.0
TOKEN_CHARS_MAX = 16 * 1024
NODE_CLAIM = "authentication.kubernetes.io/node-name"
POD_CLAIM = "authentication.kubernetes.io/pod-name"


@dataclass(frozen=True, slots=True)
class Bearer:
    """pod: (namespace, name) of the pod that a token is bound to, of one for our audience; else ("", "")."""

    caller: Caller
    pod: tuple[str, str] = ("", "")


class TokenReviews:
    """Implements `server.auth.Authenticator`.

    places: where agents' tokens may be used from; None where no agent calls, and their tokens are worth nothing.
    sessions: of the console; None where there is none.
    """

    def __init__(self, resources: Resources, places: Places | None, sessions: Sessions | None, clock: Clock) -> None:
        self._resources = resources
        self._places = places
        self._sessions = sessions
        self._known: Recent[str, Bearer] = Recent(clock)
        self._unknown: Recent[str, bool] = Recent(clock)

    async def caller_of(self, connection: HTTPConnection) -> Caller:
        token = bearer(connection)
        if not token:
            return ANONYMOUS if self._sessions is None else self._sessions.caller_of(connection)
        found = await self._bearer(token)
        address = connection.client.host if connection.client else ""
        node = found.caller.node
        if node is not None and (self._places is None or not self._places.holds(node, found.pod, address)):
            raise Misused(found.caller, f"a token of node {node} was used from {address}")
        return found.caller

    async def caller_of_token(self, token: str) -> Caller:
        return (await self._bearer(token)).caller

    async def _bearer(self, token: str) -> Bearer:
        if not token or len(token) > TOKEN_CHARS_MAX:
            raise BadToken
        key = digest(token)
        found = self._known.get(key)
        if found is not None:
            return found
        if self._unknown.get(key):
            raise BadToken
        # Ours first: a token for our audience is unknown to the API server itself, and the other way round.
        status = await self._review(token, [AUDIENCE]) if self._places is not None else {}
        is_ours = bool(status.get("authenticated")) and AUDIENCE in (status.get("audiences") or [])
        if not is_ours:
            status = await self._review(token, [])
        if not status.get("authenticated"):
            self._unknown.put(key, True, UNKNOWN_S)
            raise BadToken
        found = bearer_of(status["user"], is_ours=is_ours)
        self._known.put(key, found, KNOWN_S)
        return found

    async def _review(self, token: str, audiences: list[str]) -> Mapping[str, Any]:
        spec: dict[str, Any] = {"token": token}
        if audiences:
            spec["audiences"] = audiences
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "spec": spec}
        status: Mapping[str, Any] = (await self._resources.create(TOKEN_REVIEW, review)).get("status") or {}
        return status


def bearer_of(user: Mapping[str, Any], *, is_ours: bool) -> Bearer:
    """The caller that a review names; a node only where the token was made for us."""
    extra = {str(key): tuple(map(str, values or ())) for key, values in (user.get("extra") or {}).items()}
    node = next(iter(extra.get(NODE_CLAIM, ())), None) if is_ours else None
    name = str(user.get("username") or "")
    caller = Caller(
        name,
        tuple(map(str, user.get("groups") or ())),
        uid=str(user.get("uid") or ""),
        node=node,
        extra=tuple(sorted(extra.items())),
    )
    pod = next(iter(extra.get(POD_CLAIM, ())), "")
    return Bearer(caller, (name.split(":")[2], pod) if is_ours and pod and name.count(":") == 3 else ("", ""))
