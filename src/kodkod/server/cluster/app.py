"""What is a cluster's server? The same rooms as on one host, over the cluster's objects, callers and rights.

Logs stay in the embedded store on a volume. Whatever writes for all runs only in the server that holds the Lease.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kodkod import __version__
from kodkod.clock import Clock, SystemClock
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.resources import kinds
from kodkod.resources.kinds import group_versions
from kodkod.resources.validation import Checks
from kodkod.server import telemetry
from kodkod.server.app import WEB, create_app
from kodkod.server.assembly import facts_of
from kodkod.server.audit_log import AuditLog
from kodkod.server.auth import Sessions
from kodkod.server.cluster import webhook
from kodkod.server.cluster.admission import Judged
from kodkod.server.cluster.derived import Derived
from kodkod.server.cluster.election import Election
from kodkod.server.cluster.face import Composed, settings
from kodkod.server.cluster.forwarding import Forwarding
from kodkod.server.cluster.furniture import Furniture
from kodkod.server.cluster.inspectors import Inspectors
from kodkod.server.cluster.names import Names
from kodkod.server.cluster.pki import Pki, Publication, awaited
from kodkod.server.cluster.places import Home, Places, gateways
from kodkod.server.cluster.rights import ClusterAuthorizer
from kodkod.server.cluster.tls import NodeTrust, Serving
from kodkod.server.cluster.tokens import TokenReviews
from kodkod.server.cluster.webhook import AuditStream
from kodkod.server.kube import discovery
from kodkod.server.kube.face import Face
from kodkod.server.node_features import add_node_features
from kodkod.server.services import Services
from kodkod.server.serving import serve, together
from kodkod.store import in_cluster
from kodkod.store.informer import Informer
from kodkod.store.remote import RemoteResources

INSPECTORS = "tigera-dpi"
LEASE = "kodkod-server"
# What the console reads and writes by Kubernetes' verbs; other groups are the API server's alone.
GROUPS = frozenset({"projectcalico.org", "crd.projectcalico.org", "operator.tigera.io", "kodkod.dev", ""})


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """names: by which the server is reached beside those of its Service. account: what the kubelet mounts."""

    data: Path
    host: str
    port: int
    names: tuple[str, ...] = ()
    account: Path = in_cluster.ACCOUNT
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


async def run(config: ClusterConfig) -> None:
    """Serve until cancelled; then end cleanly. Waits for the cluster's API; raises NotInCluster outside a cluster."""
    async with compose_cluster(config, SystemClock()) as composed:
        telemetry.started(f"{config.host}:{config.port}", __version__)
        await serve(settings(config.host, config.port, composed.app, composed.serving), composed.beside)


@contextlib.asynccontextmanager
async def compose_cluster(config: ClusterConfig, clock: Clock) -> AsyncIterator[Composed]:
    """Open the log store, reach the cluster, and close everything at the end."""
    account = in_cluster.load(config.environment, config.account)
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(RemoteResources.in_cluster(config.environment, config.account))
        pki = Pki(api, account.namespace, clock, config.names)
        keys = await awaited(pki)
        logs = await DuckdbLogStore.open(config.data / "logs")
        stack.push_async_callback(logs.close)
        serving, trust = Serving(keys), NodeTrust(keys)
        publication = Publication(api, [account.namespace, INSPECTORS])
        pki.on_change += [serving.take, trust.take, publication.take]
        places = Places(api, (account.namespace, INSPECTORS), home_of(config.environment))
        services = services_of(config, api, places, logs, clock)
        add_node_features(services, trust, shows_pods=False)
        facts = await stack.enter_async_context(facts_of(services, logs))
        pods = Informer(api, kinds.POD)
        names = facts.names = Names(pods, clock)
        stream = AuditStream(clock)
        face_account = f"system:serviceaccount:{account.namespace}:kodkod-face"
        services.routers.insert(0, webhook.router(facts, stream, face_account))  # before /ingest/{dataset}
        services.controllers += [pods, names]
        services.elected += [
            Furniture(services.resources),
            Inspectors(api, account.namespace, clock),
            Derived(api, pods, logs, services.audit, stream, clock),
        ]
        election = Election(
            api,
            clock,
            identity=config.environment.get("POD_NAME") or socket.gethostname(),
            namespace=account.namespace,
            name=LEASE,
            lead=lambda: together(services.elected),
        )
        groups = tuple(one for one in group_versions() if one.group in GROUPS)
        face = Face(services, Forwarding(api, services.checks), (*groups, *discovery.REVIEWS))
        app = create_app(services, face, lambda: places.is_synced)
        yield Composed(services, app, serving, [pki, publication, places, election, *services.controllers])


def home_of(environment: Mapping[str, str]) -> Home:
    tables = [Path("/proc/net", name) for name in ("route", "ipv6_route")]
    return Home(
        environment.get("KODKOD_NODE", ""), gateways(*(one.read_text() if one.exists() else "" for one in tables))
    )


def services_of(
    config: ClusterConfig, api: RemoteResources, places: Places, logs: DuckdbLogStore, clock: Clock
) -> Services:
    checks, sessions, audit_log = Checks(), Sessions(clock), AuditLog(logs, clock)
    services = Services(
        data=config.data,
        clock=clock,
        resources=Judged(api, checks),
        checks=checks,
        authorizer=ClusterAuthorizer(api, clock),
        authenticator=TokenReviews(api, places, sessions, clock),
        sessions=sessions,
        audit=audit_log,
        web=WEB,
        controllers=[audit_log],
    )
    services.state["logs"] = logs
    return services
