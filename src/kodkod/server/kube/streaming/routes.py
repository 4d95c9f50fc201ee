"""Which requests run a command? `…/pods/{name}/exec`, by POST with a SPDY upgrade or by WebSocket.

The door asks its `Gate` first: the gate authenticates, checks the right to create `pods/exec`, and writes the audit
record, refusals included. Here nothing is decided about rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from kodkod.server.audit_log import kept
from kodkod.server.kube.streaming import session, websocket
from kodkod.server.kube.streaming.backend import (
    ContainerNotFound,
    ExecBackend,
    ExecError,
    ExecRequest,
    PodNotFound,
    Process,
)
from kodkod.server.kube.streaming.session import Disconnected
from kodkod.server.kube.streaming.takeover import EXTENSION, Takeover

PATH = "/api/v1/namespaces/{namespace}/pods/{pod}/exec"
SPDY_PROTOCOLS = ("v4.channel.k8s.io",)
"""The only one with a Status on the error stream; every kubectl since 1.3 offers it."""
COMMAND_BYTES_MAX = 64 << 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a caller may not: HTTP code and the `metav1.Status` reason and message that kubectl shows."""

    code: int
    reason: str
    message: str


class Gate(Protocol):
    """Whoever decides rights and keeps the record."""

    async def admit(self, connection: HTTPConnection, request: ExecRequest) -> Refusal | None:
        """None lets the command run. Called once for each exec, before anything starts; audits both answers."""
        ...


def exec_routes(backend: ExecBackend, gate: Gate) -> list[BaseRoute]:
    """The two routes of exec, for the Kubernetes face."""

    async def over_spdy(request: Request) -> Response:
        return await _over_spdy(backend, gate, request)

    async def over_websocket(socket: WebSocket) -> None:
        await _over_websocket(backend, gate, socket)

    return [Route(PATH, over_spdy, methods=["POST", "GET"]), WebSocketRoute(PATH, over_websocket)]


def parse_request(namespace: str, pod: str, query: QueryParams) -> ExecRequest | Refusal:
    """Read `v1.PodExecOptions` from a query string. stdout and stderr default to true where neither is asked for."""
    command = tuple(query.getlist("command"))
    if not command:
        return Refusal(400, "BadRequest", "you must specify at least one command for the container")
    if sum(map(len, command)) > COMMAND_BYTES_MAX:
        return Refusal(400, "BadRequest", f"the command is longer than {COMMAND_BYTES_MAX} bytes")
    flags = {name: query.get(name, "").lower() in {"1", "t", "true"} for name in ("stdin", "stdout", "stderr", "tty")}
    if not (flags["stdin"] or flags["stdout"] or flags["stderr"]):
        return Refusal(400, "BadRequest", "you must specify at least one of stdin, stdout, stderr")
    # With a terminal there is no separate stderr, whatever was asked (the API server does the same).
    flags["stderr"] = flags["stderr"] and not flags["tty"]
    return ExecRequest(namespace, pod, query.get("container") or None, command, **flags)


async def _over_spdy(backend: ExecBackend, gate: Gate, request: Request) -> Response:
    takeover: Takeover | None = request.scope.get("extensions", {}).get(EXTENSION)
    admitted = await _admitted(gate, request)
    if isinstance(admitted, Refusal):
        return _refused(admitted)
    offered = [
        name.strip() for line in request.headers.getlist("x-stream-protocol-version") for name in line.split(",")
    ]
    name = next((name for name in SPDY_PROTOCOLS if name in offered), None)
    if takeover is None:
        return _refused(Refusal(400, "BadRequest", "Upgrade request required"))
    if name is None:
        return _refused(Refusal(403, "Forbidden", f"unable to upgrade: none of {offered} is spoken here"))
    process = await _started(backend, admitted)
    if isinstance(process, Refusal):
        return _refused(process)
    channels = takeover.accept(name)
    try:
        await channels.opened(_streams(admitted))
        await session.run(channels, process)
    except (Disconnected, TimeoutError):
        pass
    finally:
        process.kill()
    return _Silent()


async def _over_websocket(backend: ExecBackend, gate: Gate, socket: WebSocket) -> None:
    admitted = await _admitted(gate, socket)
    name = websocket.choose(socket.scope.get("subprotocols", []))
    if not isinstance(admitted, Refusal) and name is None:
        admitted = Refusal(400, "BadRequest", f"none of {', '.join(websocket.SUBPROTOCOLS)} was offered")
    process = admitted if isinstance(admitted, Refusal) else await _started(backend, admitted)
    if isinstance(process, Refusal):
        await socket.send_denial_response(_refused(process))
        return
    await socket.accept(subprotocol=name)
    try:
        await session.run(websocket.WebSocketChannels(socket), process)
    except Disconnected:
        pass


async def _admitted(gate: Gate, connection: HTTPConnection) -> ExecRequest | Refusal:
    params = connection.path_params
    request = parse_request(params["namespace"], params["pod"], connection.query_params)
    if isinstance(request, Refusal):
        return request
    refusal = await gate.admit(connection, request)
    await kept()  # the command may do anything: that it was asked for is on the disk before it starts
    return refusal or request


async def _started(backend: ExecBackend, request: ExecRequest) -> Process | Refusal:
    try:
        return await backend.start(
            request.namespace, request.pod, request.container, request.command, stdin=request.stdin, tty=request.tty
        )
    except PodNotFound as missing:
        return Refusal(404, "NotFound", str(missing))
    except ContainerNotFound as missing:
        return Refusal(400, "BadRequest", str(missing))
    except ExecError as refused:
        return Refusal(403, "Forbidden", str(refused))


def _streams(request: ExecRequest) -> set[str]:
    asked = {"stdin": request.stdin, "stdout": request.stdout, "stderr": request.stderr, "resize": request.tty}
    return {"error"} | {name for name, wanted in asked.items() if wanted}


def _refused(refusal: Refusal) -> Response:
    return JSONResponse(session.failure_status(refusal.message, refusal.reason, refusal.code), status_code=refusal.code)


class _Silent(Response):
    """The answer of a request whose connection is no longer HTTP: nothing."""

    async def __call__(self, _scope: object, _receive: object, _send: object) -> None:
        return None
