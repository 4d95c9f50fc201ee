"""May they? The cluster decides (SubjectAccessReview); its answer is believed for ten seconds.

Source: authorization.k8s.io/v1.
"""

from __future__ import annotations

from typing import Any

from kodkod.access import Caller, Request, noderestriction
from kodkod.access.policy import Grant
from kodkod.clock import Clock
from kodkod.server.cluster.foreign import ACCESS_REVIEW
from kodkod.server.cluster.recent import Recent
from kodkod.store import Resources
from kodkod.store.errors import Unavailable

BELIEVED_S = 10.0
INGEST = ("kodkod.dev", "ingest")
AUDIT_WEBHOOK = "audit-webhook"  # posted by the API server, which runs in no pod that a token names


class ClusterAuthorizer:
    """Implements `access.Authorizer`."""

    def __init__(self, resources: Resources, clock: Clock) -> None:
        self._resources = resources
        self._answers: Recent[tuple[Caller, Request], bool] = Recent(clock)

    async def allows(self, caller: Caller, request: Request) -> bool:
        return await self.refusal(caller, request) is None

    async def refusal(self, caller: Caller, request: Request) -> str | None:
        """Raises StoreError where the cluster cannot be asked."""
        key = (caller, request)
        allowed = self._answers.get(key)
        if allowed is None:
            answer = await self._resources.create(ACCESS_REVIEW, review(caller, request))
            allowed = bool((answer.get("status") or {}).get("allowed"))
            self._answers.put(key, allowed, BELIEVED_S)
        if not allowed:
            return ""
        if (request.group, request.resource) == INGEST and caller.node is None and request.name != AUDIT_WEBHOOK:
            # The account's other token, for the API server, names no node; whoever has stolen it could speak for any.
            return "records are taken from a token that is bound to a node, for the audience kodkod"
        return noderestriction.refusal(caller, request)

    async def grants(self, caller: Caller, namespace: str) -> list[Grant]:
        """A cluster lists rules to their holder alone. Raises Unavailable."""
        where = f" in namespace {namespace}" if namespace else ""
        raise Unavailable(f"the cluster's API server lists the rights of {caller.name}{where}, to themselves alone")


def review(caller: Caller, request: Request) -> dict[str, Any]:
    """The question about somebody else, in the cluster's words."""
    spec: dict[str, Any] = {"user": caller.name, "groups": list(caller.groups), "uid": caller.uid}
    if caller.extra:
        spec["extra"] = {key: list(values) for key, values in caller.extra}
    if request.path:
        spec["nonResourceAttributes"] = {"path": request.path, "verb": request.verb}
    else:
        attributes = {
            "verb": request.verb, "group": request.group, "version": "*", "resource": request.resource,
            "subresource": request.subresource, "namespace": request.namespace, "name": request.name,
        }  # fmt: skip
        spec["resourceAttributes"] = {key: value for key, value in attributes.items() if value}
    return {
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec,
    }  # fmt: skip
