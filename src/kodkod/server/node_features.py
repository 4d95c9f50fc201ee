"""How do captures and inspections come into the server? Their controllers, and the ways to a capture's files."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kodkod.capture import controller as capturing
from kodkod.capture.calicoctl import source as calicoctl_source
from kodkod.capture.retrieval import Nodes, Trust
from kodkod.capture.routes import FileRoutes
from kodkod.inspection import controller as inspecting
from kodkod.resources import kinds
from kodkod.server import audit, captures
from kodkod.server.services import Services, Subresource


def add_node_features(services: Services, trust: Trust, *, shows_pods: bool = True) -> None:
    """Add what the nodes' features need of a server to its services.

    trust: the server's own certificate towards the nodes. shows_pods: whether their processes are shown as pods; in a
    cluster they are pods.
    """
    resources, clock = services.resources, services.clock
    services.elected += [
        capturing.Controller(resources, clock, shows_pods=shows_pods),
        inspecting.Controller(resources, clock, shows_pods=shows_pods),
    ]
    nodes = Nodes(trust)
    files = FileRoutes(resources, services.authorizer, nodes, Recorder(services))
    services.routes += files.routes()
    services.routers.append(captures.router(services, files, nodes))
    services.calicoctl = lambda version: calicoctl_source(version) if version else None

    async def subresource(asked: Subresource) -> Response:
        return await files.subresource(asked.request, asked.namespace, asked.name, asked.rest)

    services.subresources[(kinds.PACKET_CAPTURE.plural, "files")] = subresource


class Recorder:
    """Puts reads and deletions under the product's paths on record; the Kubernetes face records its own."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def __call__(self, request: Request, *, verb: str, namespace: str, name: str, code: int) -> None:
        now = self._services.clock.now()
        reference = {
            "resource": kinds.PACKET_CAPTURE.plural, "subresource": "files", "namespace": namespace, "name": name,
            "apiGroup": kinds.PACKET_CAPTURE.group, "apiVersion": kinds.PACKET_CAPTURE.version,
        }  # fmt: skip
        self._services.audit.write(
            audit.record(
                request, request.state.caller, verb=verb, object_ref=reference, code=code, received=now, completed=now
            )
        )
