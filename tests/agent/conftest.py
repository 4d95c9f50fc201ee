"""A host as `kodkod up` runs it, with pods in network namespaces on a bridge of their own. Needs root."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kodkod.endpoints.names import interface_name
from kodkod.resources import Object, kinds
from kodkod.store.remote import RemoteResources
from kodkod.testing.waiting import until

NODE = "kk-p4-node"
NAMESPACES = ("kk-p4-red", "kk-p4-blue")
RULE = (
    'alert http any any -> any any (msg:"KK-P4 smk"; flow:to_server,established; '
    'content:"smk=1234"; http_client_body; sid:9900001; rev:2; classtype:trojan-activity;)\n'
)
SID = "9900001"
UP_WITHIN_S = 60


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Pod:
    """A network namespace with an address, and the host's end of its cable."""

    namespace: str
    name: str
    netns: str
    address: str

    @property
    def interface(self) -> str:
        return interface_name(self.namespace, self.name)

    @property
    def manifest(self) -> Object:
        return {
            "metadata": {"name": self.name, "namespace": self.namespace, "labels": {"app": self.name}},
            "spec": {"nodeName": NODE, "containers": [{"name": "main", "image": "none"}]},
            "status": {"phase": "Running", "podIP": self.address, "podIPs": [{"ip": self.address}]},
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["ip", "netns", "exec", self.netns, *command], check=False, capture_output=True)

    def post(self, to: Pod, body: str, port: int = 80) -> None:
        """One HTTP request to another pod; any answer will do."""
        done = self.run("curl", "-s", "-m", "10", f"http://{to.address}:{port}/", "--data-raw", body)
        assert done.returncode == 0, done.stderr


PODS = tuple(
    Pod(f"kk-p4-{colour}", f"{colour}{number}", f"kk-p4-{os.getpid()}-{colour}{number}", f"10.94.{block}.{number}")
    for block, colour in ((1, "red"), (2, "blue"))
    for number in (1, 2)
)


@pytest.fixture(scope="module")
def pods() -> Iterator[dict[str, Pod]]:
    """red1, red2, blue1, blue2, each with a web server on port 80."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    bridge = f"kkp4{os.getpid() % 1_000_000}"
    servers: list[subprocess.Popen[bytes]] = []
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for pod in PODS:
            ip("netns", "add", pod.netns)
            ip("link", "add", pod.interface, "type", "veth", "peer", "name", "eth0", "netns", pod.netns)
            ip("link", "set", pod.interface, "master", bridge, "up")
            ip("-n", pod.netns, "address", "add", f"{pod.address}/16", "dev", "eth0")
            ip("-n", pod.netns, "link", "set", "eth0", "up")
            ip("-n", pod.netns, "link", "set", "lo", "up")
            command = ["ip", "netns", "exec", pod.netns, sys.executable, "-m", "http.server", "80"]
            servers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield {pod.name: pod for pod in PODS}
    finally:
        for server in servers:
            server.kill()
            server.wait()
        for pod in PODS:
            subprocess.run(["ip", "link", "del", pod.interface], check=False, capture_output=True)
            subprocess.run(["ip", "netns", "del", pod.netns], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", bridge], check=False, capture_output=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    (folder / "rules").mkdir()
    (folder / "rules" / "kk-p4.rules").write_text(RULE)
    return folder


class Processes:
    """Server, agent and inspector as processes of their own, so that one can be killed."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.listen = f"127.0.0.1:{free_port()}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str) -> None:
        where: Sequence[str] = ("--listen", self.listen) if role == "server" else ()
        command = [sys.executable, "-m", "kodkod.cli.app", role, "--data", str(self.data), "--node", NODE, *where]
        with (self.data / f"{role}.log").open("ab") as log:
            self.running[role] = subprocess.Popen(command, stdout=log, stderr=log)

    def end(self, role: str, how: signal.Signals = signal.SIGTERM) -> int:
        process = self.running.pop(role)
        process.send_signal(how)
        return process.wait(30)

    def end_all(self) -> None:
        for role in ("inspector", "agent", "server"):
            if role in self.running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.end(role)


@pytest.fixture(scope="module")
def processes(pods: dict[str, Pod], data: Path) -> Iterator[Processes]:
    made = Processes(data)
    made.start("server")
    try:
        wait_for_port(made.listen)
        made.start("agent")
        made.start("inspector")
        yield made
    finally:
        made.end_all()


class Host:
    """What a test asks the API."""

    def __init__(self, admin: RemoteResources, lab: RemoteResources, processes: Processes) -> None:
        self.admin, self.lab, self.processes, self.data = admin, lab, processes, processes.data

    async def furnish(self, pods: Sequence[Pod]) -> None:
        for namespace in NAMESPACES:
            await self._create(kinds.NAMESPACE, {"metadata": {"name": namespace}}, None)
        for pod in pods:
            await self._create(kinds.POD, pod.manifest, pod.namespace)
            await self.lab.patch(
                kinds.POD, pod.name, {"status": pod.manifest["status"]}, pod.namespace, subresource="status"
            )

    async def _create(self, kind: Any, obj: Object, namespace: str | None) -> None:
        from kodkod.store.errors import AlreadyExists

        with contextlib.suppress(AlreadyExists):
            await self.lab.create(kind, obj, namespace)

    async def report(self, role: str) -> dict[str, Any]:
        from kodkod.store.errors import StoreError

        try:
            return dict((await self.admin.get(kinds.NODE_REPORT, f"{NODE}-{role}")).get("status") or {})
        except StoreError:
            return {}

    async def events(self) -> list[dict[str, Any]]:
        query = {"query": f'"record.snort_signature_id" = "{SID}"', "limit": "500"}
        async with self.admin.session.get(f"{self.admin.server}/v1/events", params=query) as answer:
            assert answer.status == 200, await answer.text()
            return list((await answer.json())["items"])

    async def records(self, dataset: str, query: str) -> list[dict[str, Any]]:
        url = f"{self.admin.server}/v1/logs/{dataset}"
        async with self.admin.session.get(url, params={"query": query, "limit": "500"}) as answer:
            assert answer.status == 200, await answer.text()
            return list((await answer.json())["items"])


@pytest.fixture
async def host(processes: Processes, pods: dict[str, Pod]) -> AsyncIterator[Host]:
    data = processes.data
    async with (
        RemoteResources.from_kubeconfig(data / "kubeconfig") as admin,
        RemoteResources.from_kubeconfig(data / "run" / "lab.kubeconfig") as lab,
    ):
        made = Host(admin, lab, processes)
        await made.furnish(list(pods.values()))
        for role in ("agent", "inspector"):
            await until(
                lambda role=role: made.report(role),  # type: ignore[misc]
                lambda status: bool(status.get("ready")) and status.get("endpoints", 0) >= len(pods),
                within_s=UP_WITHIN_S,
            )
        yield made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(listen: str) -> None:
    """Blocks until somebody listens."""
    import time

    host, _, port = listen.rpartition(":")
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        assert time.monotonic() < deadline, f"nobody listens on {listen}"
        time.sleep(0.1)
