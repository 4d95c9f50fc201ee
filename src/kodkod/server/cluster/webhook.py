"""How does a cluster's own audit log come in? The API server posts it: `POST /v1/ingest/audit-webhook`, an EventList.

Kept are completed changes, of everything but what processes write of themselves, and what the API face has on record in
full. Rights: `create` on `ingest` named `audit-webhook`.
Source: audit.k8s.io/v1 EventList; kube-apiserver's webhook audit backend.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import APIRouter, Request

from kodkod.access import Caller
from kodkod.clock import Clock
from kodkod.resources import kinds
from kodkod.server.cluster.rights import AUDIT_WEBHOOK
from kodkod.server.facts import Facts
from kodkod.server.ingest import Accepted, body_of
from kodkod.server.problems import RESPONSES, Problem, ProblemRoute

NAME = AUDIT_WEBHOOK
HEARD_S = 600.0
CHANGES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
OWN_WRITES = frozenset({"leases", "events", "endpoints", "endpointslices", kinds.NODE_REPORT.plural})
BY_THE_FACE = frozenset({"projectcalico.org", "crd.projectcalico.org"})


class AuditStream:
    """Whether the API server's own audit log is delivered to us."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard_s: float | None = None

    def hear(self) -> None:
        self._heard_s = self._clock.monotonic_s()

    @property
    def is_heard(self) -> bool:
        return self._heard_s is not None and self._clock.monotonic_s() - self._heard_s < HEARD_S


def router(facts: Facts, stream: AuditStream, face: str) -> APIRouter:
    """face: the user name of the API face, whose own requests carry out what it has on record for its callers."""
    routes = APIRouter(route_class=ProblemRoute, responses=RESPONSES)

    @routes.post(f"/ingest/{NAME}", response_model=Accepted, tags=["agents"])
    async def webhook(request: Request) -> Accepted:
        """Take an EventList in. The API server sends a batch again whose answer it missed: it is stored once."""
        caller: Caller = request.state.caller
        await facts.require(caller, "create", "ingest", NAME)
        listed = items_of(await body_of(request))
        kept = [one for one in listed if is_wanted(one, face)]
        stream.hear()
        batch = hashlib.sha256("".join(str(one.get("auditID")) for one in kept).encode()).hexdigest()
        new = await facts.logs.append("audit", kept, arrival=facts.clock.now(), batch=f"{NAME}/{batch}") if kept else 0
        return Accepted(accepted=len(kept), new=new, skipped={"unwanted": len(listed) - len(kept)})

    return routes


def items_of(body: bytes) -> list[dict[str, Any]]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "bad_request", f"the body is no JSON: {error}") from None
    is_list = isinstance(document, dict) and document.get("kind") == "EventList"
    items = document.get("items") if is_list else None
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise Problem(400, "bad_request", "the body is no EventList of audit.k8s.io/v1")
    return items


def is_wanted(event: Mapping[str, Any], face: str) -> bool:
    """A completed change by somebody else than the face, on the object itself."""
    reference = event.get("objectRef") or {}
    if event.get("stage") != "ResponseComplete" or event.get("verb") not in CHANGES:
        return False
    if reference.get("resource") in OWN_WRITES or reference.get("subresource") == "status":
        return False
    group = reference.get("apiGroup", "")
    # Whoever calls the face is seen here too, without the objects; and so is what the face then does for them.
    is_the_faces = group == "projectcalico.org" or (event.get("user") or {}).get("username") == face
    return not (group in BY_THE_FACE and is_the_faces)
