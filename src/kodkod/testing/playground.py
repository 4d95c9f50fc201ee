"""What does kubectl talk to in tests? A real server on a free port with two pods in network namespaces of their own.

    python -m kodkod.testing.playground DATA PORT [--plain]

Prints `ready` once it serves, ends on end of its standard input. Pods `default/web-1` (address 10.65.0.1) and
`default/web-2` have a network namespace each, where the caller may make them and did not say `--plain`, as whoever
means to kill this process should; `{DATA}/lab/logs/default_web-1.log` is web-1's output. Only the network of these
pods differs from the host, and administrators may run commands in them: for tests alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from kodkod.clock import SystemClock, rfc3339
from kodkod.lab.processes import PipedProcess, TerminalProcess, spawn
from kodkod.resources import Object, kinds
from kodkod.resources.kinds import Kind
from kodkod.server.app import ServerConfig, compose, create_app, settings
from kodkod.server.kube.streaming import ContainerNotFound, PodNotFound
from kodkod.server.services import LogRequest
from kodkod.server.serving import Server
from kodkod.store import Resources
from kodkod.store.errors import AlreadyExists, NotFound

ADDRESSES = {"web-1": "10.65.0.1", "web-2": ""}
NODE = "test-node"
FOLLOW_POLL_S = 0.1


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the network namespaces go
    data, port, *options = sys.argv[1:]
    pods = {} if "--plain" in options else ADDRESSES
    with network_namespaces(f"kodkod-test-{os.getpid()}", pods) as namespaces:
        asyncio.run(serve(Path(data), int(port), namespaces))


@contextlib.contextmanager
def network_namespaces(prefix: str, pods: dict[str, str]) -> Iterator[dict[str, str]]:
    """A network namespace for each pod, by pod; none where the caller may not make them."""
    made: dict[str, str] = {}
    try:
        for pod, address in pods.items():
            name = f"{prefix}-{pod}"
            if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode != 0:
                break
            made[pod] = name
            if address:
                inside = ["ip", "-n", name]
                subprocess.run([*inside, "link", "add", "eth0", "type", "veth", "peer", "name", "peer0"], check=True)
                subprocess.run([*inside, "address", "add", f"{address}/32", "dev", "eth0"], check=True)
                subprocess.run([*inside, "link", "set", "eth0", "up"], check=True)
        yield made
    finally:
        for name in made.values():
            subprocess.run(["ip", "netns", "delete", name], check=False)


async def serve(data: Path, port: int, namespaces: dict[str, str]) -> None:
    clock = SystemClock()
    config = ServerConfig(data, "127.0.0.1", port, NODE)
    async with compose(config, clock) as services:
        services.exec_backend = NamespaceExec(namespaces)
        services.pod_logs = FolderLogs(data / "lab/logs")
        await furnish_pods(services.resources, rfc3339(clock.now()))
        (data / "lab/logs").mkdir(parents=True, exist_ok=True)
        for pod in ADDRESSES:
            (data / f"lab/logs/default_{pod}.log").write_text("hello\nagain\n")
        server = Server(settings(config, create_app(services)))
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve())
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.02)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await asyncio.to_thread(sys.stdin.read)
            server.should_exit = True


async def furnish_pods(resources: Resources, now: str) -> None:
    objects: list[tuple[Kind, str | None, Object]] = [(kinds.NODE, None, node(now))]
    objects += [(kinds.POD, "default", pod(name, address, now)) for name, address in ADDRESSES.items()]
    for kind, namespace, obj in objects:
        name = obj["metadata"]["name"]
        with contextlib.suppress(AlreadyExists):
            await resources.create(kind, obj, namespace)
        await resources.patch(kind, name, {"status": obj["status"]}, namespace, subresource="status")


def node(now: str) -> Object:
    return {
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
        "spec": {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": now, "lastTransitionTime": now}],
            "nodeInfo": {"kubeletVersion": "v1.32.4-kodkod"},
            "addresses": [{"type": "Hostname", "address": NODE}],
        },
    }


def pod(name: str, address: str, now: str) -> Object:
    """Complete as a real one is: clients poll for ContainersReady and choke on a status without imageID."""
    conditions = [
        {"type": type_, "status": "True", "lastTransitionTime": now}
        for type_ in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    container = {
        "name": "web", "ready": True, "started": True, "restartCount": 0, "image": "web", "imageID": "web",
        "containerID": f"test://{name}", "lastState": {}, "state": {"running": {"startedAt": now}},
    }  # fmt: skip
    return {
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {
            "nodeName": NODE, "restartPolicy": "Always", "securityContext": {}, "serviceAccountName": "default",
            "containers": [{"name": "web", "image": "web", "resources": {}}],
        },
        "status": {
            "phase": "Running", "startTime": now, "conditions": conditions, "containerStatuses": [container],
            "hostIP": "127.0.0.1", "qosClass": "BestEffort",
            **({"podIP": address, "podIPs": [{"ip": address}]} if address else {}),
        },
    }  # fmt: skip


class NamespaceExec:
    """Runs commands in a pod's network namespace."""

    def __init__(self, namespaces: dict[str, str]) -> None:
        self._namespaces = namespaces

    async def start(
        self, namespace: str, pod: str, container: str | None, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> PipedProcess | TerminalProcess:
        if namespace != "default" or pod not in ADDRESSES:
            raise PodNotFound(f'pods "{pod}" not found')
        if container not in (None, "web"):
            raise ContainerNotFound(f"container {container} is not valid for pod {pod}")
        inside = ["ip", "netns", "exec", self._namespaces[pod]] if pod in self._namespaces else []
        return await spawn([*inside, *command], stdin=stdin, tty=tty, environment=dict(os.environ))


class FolderLogs:
    """A file for each pod."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def read(self, request: LogRequest) -> AsyncIterator[bytes]:
        path = self._folder / f"{request.namespace}_{request.pod}.log"
        if not path.exists():
            raise NotFound(f'pods "{request.pod}" not found')
        with path.open("rb") as file:
            text = file.read()
            if request.tail_lines is not None:
                text = b"".join(text.splitlines(keepends=True)[-request.tail_lines :])
            yield text
            while request.follow:
                more = file.read()
                if more:
                    yield more
                await asyncio.sleep(FOLLOW_POLL_S)


if __name__ == "__main__":
    main()
