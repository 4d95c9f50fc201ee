"""What does a node's agent cost at rest? 110 idle pods in network namespaces, an agent as in a cluster, an API server.

    python -m bench node

Memory and CPU of the agent's process, requests to the API server, and how soon pods are discovered: those that are
there when it starts, and 110 that come at once. The API is the embedded server in this very process; the agent runs in
a mount namespace where `/run/secrets` is what a kubelet would mount. Needs root.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

PODS = 110
REST_S = 90.0
NODE = "bench-node"
NAMESPACE = "bench"
MARK = f"kkd{os.getpid() % 100_000:05d}"


def measure() -> list[dict[str, object]]:
    if os.geteuid() != 0:
        print("  skipped: network namespaces need root", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as folder, pods():
        return asyncio.run(whole(Path(folder)))


@contextlib.contextmanager
def pods() -> Iterator[None]:
    """Namespaces with a veth each, as the bridge plugin makes them, without the bridge: nothing is sent."""
    names = [f"{MARK}-{number}" for number in range(PODS)]
    try:
        batch(f"netns add {name}" for name in names)
        batch(f"link add {MARK}v{n} type veth peer name eth0 netns {name}" for n, name in enumerate(names))
        batch(f"link set {MARK}v{n} up" for n in range(PODS))
        for number, name in enumerate(names):
            lines = (f"address add {address(number)}/16 dev eth0", "link set eth0 up")
            batch(lines, "-n", name)
        yield
    finally:
        batch((f"netns del {name}" for name in names), "-force")


def batch(lines: Iterator[str] | Any, *options: str) -> None:
    text = "\n".join(lines) + "\n"
    subprocess.run(["ip", *options, "-batch", "-"], input=text, text=True, check=False, capture_output=True)


def address(number: int) -> str:
    return f"10.98.{number // 250}.{number % 250 + 2}"


async def whole(folder: Path) -> list[dict[str, object]]:
    async with api(folder) as (port, resources, requests):
        await furnish(resources, folder, exist=True)
        async with agent(folder, port) as (pid, metrics, started):
            present_s = await until_known(metrics, started, PODS)
            await asyncio.sleep(15)  # imports and first flushes are over
            requests.clear()
            cpu, at = cpu_s(pid), time.monotonic()
            await asyncio.sleep(REST_S)
            rest_s = time.monotonic() - at
            cpu_share = (cpu_s(pid) - cpu) / rest_s * 100
            asked = Counter(requests)
            memory = status_mb(pid)
            burst_s = await come_again(resources, metrics)
        return [
            {
                "pods": PODS, "rss_mb": memory["VmRSS"], "peak_mb": memory["VmHWM"], "cpu_percent": cpu_share,
                "api_requests_per_s": per_s(asked, rest_s, "/api"), "ingest_per_s": per_s(asked, rest_s, "/v1"),
                "start_to_all_known_s": present_s, "after_the_last_of_a_burst_s": burst_s,
            }
        ]  # fmt: skip


@contextlib.asynccontextmanager
async def api(folder: Path) -> AsyncIterator[tuple[int, Any, list[str]]]:
    """An API server that keeps what was asked of it by the agent."""
    from kodkod.clock import SystemClock
    from kodkod.server.app import ServerConfig, compose, create_app, settings
    from kodkod.server.serving import Server

    requests: list[str] = []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = ServerConfig(folder / "server", "127.0.0.1", port, NODE)
    async with compose(config, SystemClock()) as services:
        app = create_app(services)

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            requests.append(f"{scope.get('method')} {scope.get('path')}")
            await app(scope, receive, send)

        server = Server(settings(config, counting))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.02)
            try:
                yield port, services.resources, requests
            finally:
                server.should_exit = True
                server.force_exit = True


@contextlib.asynccontextmanager
async def agent(folder: Path, port: int) -> AsyncIterator[tuple[int, int, float]]:
    """The process as a DaemonSet starts it: its id, the port of its metrics, and when it began."""
    secrets(folder, folder / "server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        metrics = probe.getsockname()[1]
    words = [
        sys.executable, "-m", "kodkod.cli.app", "agent", "--in-cluster", "--data", str(folder / "agent"),
        "--server", f"https://127.0.0.1:{port}", "--run-dir", str(folder / "run"),
        "--metrics-listen", f"127.0.0.1:{metrics}",
    ]  # fmt: skip
    (folder / "agent").mkdir()
    inside = f"mount -t tmpfs tmpfs /run && cp -r {folder}/secrets /run/secrets && exec " + " ".join(words)
    environment = {
        **os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port),
        "KODKOD_NODE": NODE, "KODKOD_NODE_IP": "127.0.0.1", "POD_NAMESPACE": "kodkod-system",
    }  # fmt: skip
    with (folder / "agent.log").open("wb") as log:
        started = time.monotonic()
        process = subprocess.Popen(  # noqa: ASYNC220 - returns at once
            ["unshare", "-m", "sh", "-c", inside], env=environment, stdout=log, stderr=log
        )
    try:
        yield process.pid, metrics, started
    except BaseException:
        print((folder / "agent.log").read_text()[-3000:], file=sys.stderr)
        raise
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def secrets(folder: Path, server: Path) -> None:
    import yaml

    account, ours = folder / "secrets/kubernetes.io/serviceaccount", folder / "secrets/kodkod"
    account.mkdir(parents=True)
    ours.mkdir()
    token = yaml.safe_load((server / "run/agent.kubeconfig").read_text())["users"][0]["user"]["token"]
    (account / "token").write_text(token)
    (account / "namespace").write_text("kodkod-system")
    (account / "ca.crt").write_bytes((server / "pki/ca.crt").read_bytes())
    (ours / "token").write_text(token)


async def furnish(resources: Any, folder: Path, *, exist: bool) -> None:
    from kodkod.resources import kinds
    from kodkod.store.errors import AlreadyExists

    for name in ("kodkod-system", NAMESPACE):
        with contextlib.suppress(AlreadyExists):
            await resources.create(kinds.NAMESPACE, {"metadata": {"name": name}})
    authority = {"ca.crt": (folder / "server/pki/ca.crt").read_text()}
    with contextlib.suppress(AlreadyExists):
        await resources.create(
            kinds.CONFIG_MAP, {"metadata": {"name": "kodkod-ca"}, "data": authority}, "kodkod-system"
        )
    if exist:
        await create_pods(resources)


async def create_pods(resources: Any) -> None:
    from kodkod.resources import kinds

    for number in range(PODS):
        name = f"pod-{number}"
        container = {"name": "main", "image": "pause"}
        body = {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"nodeName": NODE, "containers": [container]},
        }
        await resources.create(kinds.POD, body, NAMESPACE)
        status = {"phase": "Running", "podIP": address(number), "podIPs": [{"ip": address(number)}]}
        await resources.patch(kinds.POD, name, {"status": status}, NAMESPACE, subresource="status")


async def come_again(resources: Any, metrics: int) -> float:
    """All pods go, and as many come at once: seconds from the last one's coming until all are known."""
    from kodkod.resources import kinds

    for number in range(PODS):
        await resources.delete(kinds.POD, f"pod-{number}", NAMESPACE)
    await until_known(metrics, time.monotonic(), 0)
    await create_pods(resources)
    return await until_known(metrics, time.monotonic(), PODS)


async def until_known(port: int, since: float, count: int) -> float:
    while time.monotonic() - since < 60:
        with contextlib.suppress(OSError):
            if await asyncio.to_thread(endpoints, port) == count:
                return time.monotonic() - since
        await asyncio.sleep(0.05)
    raise TimeoutError(f"{count} endpoints are not known after a minute")


def endpoints(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return int(next(float(line.split()[1]) for line in lines if line.startswith("kodkod_node_interfaces ")))


def per_s(asked: Counter[str], seconds: float, prefix: str) -> float:
    return sum(count for what, count in asked.items() if what.split()[1].startswith(prefix)) / seconds


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_mb(pid: int) -> dict[str, float]:
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) / 1024 for words in lines if words and words[0] in ("VmRSS:", "VmHWM:")}
