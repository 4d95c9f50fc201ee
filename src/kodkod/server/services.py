"""What does the server need from other rooms? One value that holds every seam; `app` composes it.

A feature adds itself to `Services` in `app.compose`: a router under `/v1`, a subresource of the Kubernetes face, a
controller that runs beside it. What is None is not there, and says so to whoever asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from kodkod.access import Authorizer, Caller
from kodkod.clock import Clock
from kodkod.resources import Object
from kodkod.resources.validation import Checks
from kodkod.server.auth import Authenticator, Sessions
from kodkod.store import Resources


class AuditSink(Protocol):
    """Takes audit records (`audit.k8s.io/v1`); returns at once, keeps them in its own time."""

    def write(self, record: dict[str, Any]) -> None: ...


class Controller(Protocol):
    """Runs beside the server until cancelled."""

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What `kubectl logs` asks for. since: aware UTC. previous: of the container that ran before this one."""

    namespace: str
    pod: str
    container: str = ""
    follow: bool = False
    tail_lines: int | None = None
    previous: bool = False
    since: datetime | None = None
    timestamps: bool = False
    limit_bytes: int | None = None


class PodLogs(Protocol):
    """Where the output of pods is kept."""

    def read(self, request: LogRequest) -> AsyncIterator[bytes]:
        """Chunks of the output; with follow until the caller stops. Raises NotFound where there is no log."""
        ...


@dataclass(frozen=True, slots=True)
class Subresource:
    """A request for `…/{plural}/{name}/{subresource}`, already authenticated and authorised.

    obj: the object, or None when it is gone (files may outlive their capture). rest: what follows in the path.
    """

    request: Request
    caller: Caller
    namespace: str
    name: str
    obj: Object | None
    rest: str = ""


SubresourceRoute = Callable[[Subresource], Awaitable[Response]]
Download = Callable[[str], bytes | None]
"""The client program for a version, or None if there is none of that version."""

HttpRoute = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Services:
    """data: the data folder. checks: asked of every object before it is stored; features add theirs.

    web: the built console. exec_backend: typed by `server.kube.streaming`.

    subresources: by (plural, subresource). routes: further plain routes by path template, outside `/v1` and the
    Kubernetes face (the product's aliases). state: set as attributes of `request.app.state` for routers.
    controllers: run beside each server. elected: write for all, so they run in one server at a time.
    """

    data: Path
    clock: Clock
    resources: Resources
    checks: Checks
    authorizer: Authorizer
    authenticator: Authenticator
    sessions: Sessions
    audit: AuditSink
    pod_logs: PodLogs | None = None
    exec_backend: Any = None
    subresources: dict[tuple[str, str], SubresourceRoute] = field(default_factory=dict)
    routers: list[APIRouter] = field(default_factory=list)
    routes: list[tuple[str, Sequence[str], HttpRoute]] = field(default_factory=list)
    controllers: list[Controller] = field(default_factory=list)
    elected: list[Controller] = field(default_factory=list)
    calicoctl: Download | None = None
    state: dict[str, Any] = field(default_factory=dict)
    web: Path | None = None
