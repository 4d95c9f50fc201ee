"""What is one server? The rooms composed: resources, rights, logs, features' routes and controllers, the console.

`compose` makes the services, `create_app` the routes over them, `run` both with everything that lives beside requests.
A feature is added in `compose`, in a few lines; nothing is decided here.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from kodkod import __version__
from kodkod.access import Request as AccessRequest
from kodkod.access import RoleAuthorizer, bootstrap
from kodkod.capture.retrieval import PkiFolder
from kodkod.clock import Clock, SystemClock
from kodkod.lab.logs import PodLogFiles
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.resources import Object, kinds
from kodkod.resources.kinds import Kind
from kodkod.resources.validation import Checks
from kodkod.server import docs, sessions, telemetry
from kodkod.server.assembly import facts_of
from kodkod.server.audit_log import AnswersOnRecord, AuditLog
from kodkod.server.auth import Sessions, TokenAuthenticator
from kodkod.server.console import Console
from kodkod.server.credentials import Paths, ensure_credentials, identities, load_tokens
from kodkod.server.door import Door
from kodkod.server.kube.face import Face
from kodkod.server.kube.streaming import RefusingProtocol, TakeoverProtocol, exec_routes
from kodkod.server.lab_pods import LabExec
from kodkod.server.node_features import add_node_features
from kodkod.server.services import Services
from kodkod.server.serving import STOP_GRACE_S, serve
from kodkod.store import Resources
from kodkod.store.embedded import EmbeddedResources
from kodkod.store.embedded.expiry import EventExpiry
from kodkod.store.errors import AlreadyExists

WEB = Path(__file__).parent / "web"
# The version in the download path of the command line client; any version is served the same program.
CNX_VERSION = f"v{__version__}"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """node: the name of this host, whose agent's identity is made too."""

    data: Path
    host: str
    port: int
    node: str


@contextlib.asynccontextmanager
async def compose(config: ServerConfig, clock: Clock) -> AsyncIterator[Services]:
    """Open the stores, make what must be there from the start, and close everything at the end."""
    paths = ensure_credentials(config.data, config.host, config.port, config.node, clock.now())
    checks = Checks()
    resources = EmbeddedResources(config.data / "resources.db", clock, checks=checks)
    await resources.open()
    logs = await DuckdbLogStore.open(config.data / "logs")
    try:
        await furnish(resources)
        audit_log = AuditLog(logs, clock)
        sessions = Sessions(clock)
        tokens = load_tokens(paths, identities(config.node).values())
        services = Services(
            data=config.data,
            clock=clock,
            resources=resources,
            checks=checks,
            authorizer=RoleAuthorizer(resources),
            authenticator=TokenAuthenticator(tokens, sessions),
            sessions=sessions,
            audit=audit_log,
            pod_logs=PodLogFiles(config.data),
            exec_backend=LabExec(config.data),
            web=WEB,
            controllers=[audit_log, EventExpiry(resources, clock)],
        )
        services.state["logs"] = logs
        add_node_features(services, PkiFolder(config.data / "pki"))
        async with facts_of(services, logs):
            yield services
    finally:
        await logs.close()
        await resources.close()


async def furnish(resources: Resources) -> None:
    """Make the objects that every installation has. What is there already is left as it is, but for our own roles."""
    for name in ("default", "kube-system", "kodkod-system", "tigera-dpi"):
        status = {"phase": "Active"}
        await ensure(resources, kinds.NAMESPACE, {"metadata": {"name": name}, "status": status})
    for role in bootstrap.roles():
        await ensure(resources, kinds.CLUSTER_ROLE, role, current=True)
    for binding in bootstrap.bindings():
        await ensure(resources, kinds.CLUSTER_ROLE_BINDING, binding, current=True)
    information = {
        "clusterGUID": uuid.uuid4().hex,
        "cnxVersion": CNX_VERSION,
        "clusterType": "kodkod,single-host",
        "datastoreReady": True,
    }
    await ensure(resources, kinds.CLUSTER_INFORMATION, {"metadata": {"name": "default"}, "spec": information})
    await ensure(resources, kinds.FELIX_CONFIGURATION, {"metadata": {"name": "default"}, "spec": {}})
    await ensure(resources, kinds.INTRUSION_DETECTION, {"metadata": {"name": "tigera-secure"}, "spec": {}})


async def ensure(resources: Resources, kind: Kind, obj: Object, *, current: bool = False) -> None:
    """Create an object unless it is there; with `current`, bring it up to this version."""
    try:
        await resources.create(kind, obj, field_manager="kodkod")
        if "status" in obj:
            patch = {"status": obj["status"]}
            await resources.patch(kind, obj["metadata"]["name"], patch, subresource="status", field_manager="kodkod")
    except AlreadyExists:
        if current:
            name = obj["metadata"]["name"]
            await resources.patch(kind, name, {k: v for k, v in obj.items() if k != "metadata"}, field_manager="kodkod")


def create_app(
    services: Services, face: Face | None = None, is_ready: Callable[[], bool] = lambda: True
) -> ASGIApp:  # fmt: skip
    """The routes over composed services, behind the door. face: of Kubernetes; one over our own store unless given."""
    face = face if face is not None else Face(services)
    routes: list[BaseRoute] = [
        *health(is_ready),
        Route("/metrics", metrics),
        Route("/download/binaries/{version}/calicoctl", calicoctl),
        *(Route(path, handler, methods=list(methods)) for path, methods, handler in services.routes),
    ]
    if services.exec_backend is not None:
        routes += exec_routes(services.exec_backend, face)
    login, page = Console(services.web, services.sessions).routes()
    routes += [*face.routes(), login, Mount("/v1", v1(services)), page]
    app = Starlette(routes=routes)
    share(app, services)
    return AnswersOnRecord(Door(app, services))


def v1(services: Services) -> FastAPI:
    """Our own API. Its documentation is served without any asset from elsewhere."""
    app = FastAPI(title="Kodkod", version=__version__, openapi_url="/openapi.json", docs_url=None, redoc_url=None)
    for router in (sessions.router(services.sessions), *services.routers):
        app.include_router(router)

    async def documentation(_request: Request) -> Response:
        return HTMLResponse(docs.page(app.openapi()))

    app.router.routes.append(Route("/docs", documentation))
    share(app, services)
    return app


def share(app: Starlette, services: Services) -> None:
    """What routes find at `request.app.state`."""
    app.state.access = services.authorizer
    app.state.services = services
    for name, value in services.state.items():
        setattr(app.state, name, value)


def health(is_ready: Callable[[], bool] = lambda: True) -> list[BaseRoute]:
    """What probes ask, without a caller."""

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def ready(_request: Request) -> Response:
        return PlainTextResponse("ok") if is_ready() else PlainTextResponse("not yet\n", 503)

    return [Route("/healthz", healthy), Route("/livez", healthy), Route("/readyz", ready)]


async def metrics(request: Request) -> Response:
    services: Services = request.app.state.services
    if not await services.authorizer.allows(request.state.caller, AccessRequest("get", path="/metrics")):
        return PlainTextResponse("403: no right to read /metrics\n", 403)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def calicoctl(request: Request) -> Response:
    """The command line client as one file."""
    services: Services = request.app.state.services
    program = services.calicoctl(request.path_params["version"]) if services.calicoctl is not None else None
    if program is None:
        return PlainTextResponse("404: no client of this version\n", 404)
    return Response(program, media_type="application/octet-stream")


async def run(config: ServerConfig) -> None:
    """Serve until cancelled; then end cleanly. Exits where the address cannot be had."""
    clock = SystemClock()
    async with compose(config, clock) as services:
        telemetry.started(f"{config.host}:{config.port}", __version__)
        await serve(settings(config, create_app(services)), [*services.controllers, *services.elected])


def settings(config: ServerConfig, app: ASGIApp) -> uvicorn.Config:
    paths = Paths(config.data)
    return uvicorn.Config(
        app,
        host=config.host,
        port=config.port,
        http=TakeoverProtocol,
        ws=RefusingProtocol,
        ssl_certfile=paths.server,
        ssl_keyfile=paths.server_key,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,  # whoever is on this host could name any address as the one a request comes from
        timeout_graceful_shutdown=STOP_GRACE_S,
        timeout_keep_alive=75,
    )
