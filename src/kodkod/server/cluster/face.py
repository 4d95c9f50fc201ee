"""What is the API face? A stateless server of `projectcalico.org/v3` over the CRDs, behind the cluster's API server.

Where v3 is not ours to serve it has the files of captures alone (`data_face`).

Several may run: they share nothing but the cluster. While all are away, agents and controllers go on, since they follow
the CRDs; only `projectcalico.org/v3` is missed.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from kodkod import __version__
from kodkod.capture.retrieval import Nodes
from kodkod.capture.routes import FileRoutes
from kodkod.clock import Clock, SystemClock
from kodkod.resources import kinds
from kodkod.resources.validation import Checks
from kodkod.server import telemetry
from kodkod.server.app import health, metrics, share
from kodkod.server.assembly import add_checks
from kodkod.server.auth import Sessions
from kodkod.server.cluster import data_face
from kodkod.server.cluster.api_service import CaBundle
from kodkod.server.cluster.audit_post import AuditPost
from kodkod.server.cluster.forwarding import Forwarding
from kodkod.server.cluster.front_proxy import FrontProxy
from kodkod.server.cluster.pki import Pki, Publication, awaited
from kodkod.server.cluster.rights import ClusterAuthorizer
from kodkod.server.cluster.tls import NodeTrust, Serving
from kodkod.server.cluster.tokens import TokenReviews
from kodkod.server.door import Door
from kodkod.server.kube.face import Face
from kodkod.server.node_features import Recorder
from kodkod.server.peers import PeerProtocol
from kodkod.server.services import Controller, Services, Subresource
from kodkod.server.serving import STOP_GRACE_S, Drain, serve
from kodkod.store import in_cluster
from kodkod.store.groups import PUBLIC
from kodkod.store.remote import RemoteResources

AGGREGATED = "aggregated"
DRAIN_S = 5.0  # the API server goes on calling a replica until it has heard that it ends
API_SERVICE = "v3.projectcalico.org"
DATA_API_SERVICE = "v1.data.kodkod.dev"


@dataclass(frozen=True, slots=True)
class FaceConfig:
    """server: where the record is kept. data: where it waits. account, token: what the kubelet mounts."""

    host: str
    port: int
    server: str
    data: Path
    account: Path = in_cluster.ACCOUNT
    token: Path = in_cluster.SERVER_TOKEN
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


@dataclass(frozen=True, slots=True)
class Composed:
    """What a face is made of."""

    services: Services
    app: ASGIApp
    serving: Serving
    beside: list[Controller]
    drain: Drain | None = None


async def run(config: FaceConfig) -> None:
    """Serve until cancelled. Waits for the cluster's API; raises NotInCluster outside a cluster."""
    async with compose(config, SystemClock()) as composed:
        telemetry.started(f"{config.host}:{config.port}", __version__)
        await serve(settings(config.host, config.port, composed.app, composed.serving), composed.beside, composed.drain)


@contextlib.asynccontextmanager
async def compose(config: FaceConfig, clock: Clock) -> AsyncIterator[Composed]:
    account = in_cluster.load(config.environment, config.account)
    async with RemoteResources.in_cluster(config.environment, config.account) as api:
        pki = Pki(api, account.namespace, clock)
        keys = await awaited(pki)
        serving, trust = Serving(keys, asks=True), NodeTrust(keys)
        audit = AuditPost(config.server, in_cluster.TokenFile(config.token), config.data / "audit")
        is_aggregated = config.environment.get("KODKOD_API_MODE", AGGREGATED) == AGGREGATED
        bundle = CaBundle(api, API_SERVICE if is_aggregated else DATA_API_SERVICE)
        publication = Publication(api, [account.namespace])
        pki.on_change += [serving.take, trust.take, audit.take, bundle.take, publication.take]
        proxy = FrontProxy(api, TokenReviews(api, None, None, clock), serving.trust)
        services = Services(
            data=config.data,
            clock=clock,
            resources=api,
            checks=add_checks(Checks()),
            authorizer=ClusterAuthorizer(api, clock),
            authenticator=proxy,
            sessions=Sessions(clock),
            audit=audit,
        )
        files = FileRoutes(api, services.authorizer, Nodes(trust), Recorder(services))
        if is_aggregated:
            add_files(services, files)
            routes = Face(services, Forwarding(api, services.checks), (PUBLIC,)).routes()
        else:
            routes = data_face.routes(services, files)
        drain = Drain(DRAIN_S)
        app = create_app(services, routes, lambda: proxy.is_synced and not drain.is_draining)
        yield Composed(services, app, serving, [pki, publication, bundle, proxy, audit], drain)


def add_files(services: Services, files: FileRoutes) -> None:
    """`packetcaptures/files`, fetched from the nodes."""

    async def subresource(asked: Subresource) -> Response:
        return await files.subresource(asked.request, asked.namespace, asked.name, asked.rest)

    services.subresources[(kinds.PACKET_CAPTURE.plural, "files")] = subresource


def create_app(services: Services, routes: Sequence[BaseRoute], is_ready: Callable[[], bool]) -> ASGIApp:
    app = Starlette(routes=[*health(is_ready), Route("/metrics", metrics), *routes])
    share(app, services)
    return Door(app, services)


def settings(host: str, port: int, app: ASGIApp, serving: Serving) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PeerProtocol,
        ws="none",
        ssl_context_factory=lambda _config, _default: serving.context,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,  # an agent's token is judged by the address it comes from
        timeout_graceful_shutdown=STOP_GRACE_S,
        timeout_keep_alive=75,
    )
