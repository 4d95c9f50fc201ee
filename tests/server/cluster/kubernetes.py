"""A real Kubernetes API server on loopback, alone: etcd and kube-apiserver, no node, no controllers.

Its binaries are those of the local test cluster (`make test-cluster` builds them), or in the folder that
KODKOD_KUBERNETES_BIN names; where there are none, whoever asks is skipped and told so.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from kodkod.server import certificates

ROOT = Path(__file__).parents[3]
START_S = 300
ADMIN = "admin-token"
# A suite that is killed leaves nothing behind: the kernel ends what it started.
ENDS_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def binaries() -> Path:
    """Where kube-apiserver is; skips the test where it is not."""
    for folder in (os.environ.get("KODKOD_KUBERNETES_BIN", ""), str(ROOT / "target/cluster/out/bin")):
        if folder and (Path(folder) / "kube-apiserver").exists():
            return Path(folder)
    pytest.skip("no kube-apiserver: `make test-cluster` builds one, KODKOD_KUBERNETES_BIN names another")


@dataclass(frozen=True, slots=True)
class ApiServer:
    """folder: its files. bin: the binaries. front_proxy: PEM of the certificate with which it calls extensions."""

    folder: Path
    bin: Path
    port: int
    front_proxy: bytes

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def kubectl(self, *arguments: str, stdin: str = "", user: str = ADMIN, check: bool = True) -> str:
        """Output of a kubectl command; with check=False also of a failing one, its errors included."""
        command = [str(self.bin / "kubectl"), f"--kubeconfig={self.kubeconfig(user)}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=300, check=False)
        if check:
            assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
            return done.stdout
        return done.stdout + done.stderr

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def kubeconfig(self, token: str) -> Path:
        path = self.folder / f"{abs(hash(token))}.kubeconfig"
        if not path.exists():
            cluster = {"server": self.url, "certificate-authority": str(self.folder / "ca.crt")}
            document = {
                "apiVersion": "v1", "kind": "Config", "current-context": "c",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "c", "user": {"token": token}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
            }  # fmt: skip
            path.write_text(json.dumps(document))
        return path

    def account(self, name: str, namespace: str, folder: Path, *token: str) -> dict[str, str]:
        """The files that a kubelet would mount for a service account, and the environment that goes with them."""
        folder.mkdir(parents=True, exist_ok=True)
        given = self.kubectl("create", "token", name, "-n", namespace, *token).strip()
        (folder / "token").write_text(given)
        (folder / "ca.crt").write_bytes((self.folder / "ca.crt").read_bytes())
        (folder / "namespace").write_text(namespace)
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.port)}


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Start it, wait until it is ready, end it. Users: `admin-token`, and people by tokens of their names."""
    bin_folder = binaries()
    ports = free_ports(3)
    front_proxy = credentials(folder)
    log = (folder / "log").open("wb")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in (etcd(bin_folder, folder, ports), kube_apiserver(bin_folder, folder, ports)):
            processes.append(subprocess.Popen([*ENDS_WITH_US, *command], stdout=log, stderr=log, cwd=folder))
        found = ApiServer(folder, bin_folder, ports[2], front_proxy)
        wait_ready(found, processes)
        yield found
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()
        log.close()


def credentials(folder: Path) -> bytes:
    """Certificates, keys and tokens; answers the front proxy's certificate with its key."""
    now = datetime.now(UTC)
    authority, requestheader = certificates.authority(now), certificates.authority(now)
    hosts = ["127.0.0.1", "localhost", "kubernetes.default.svc"]
    server = certificates.signed(authority, "kube-apiserver", now, hosts=hosts, is_server=True)
    front_proxy = certificates.signed(requestheader, "front-proxy-client", now, is_server=False)
    for name, (certificate, key) in (("ca", authority), ("server", server), ("rh", requestheader), ("fp", front_proxy)):
        (folder / f"{name}.crt").write_bytes(certificate)
        (folder / f"{name}.key").write_bytes(key)
    people = [f'{ADMIN},admin,admin,"system:masters"', *(f'{name},{name},{name},"team"' for name in PEOPLE)]
    (folder / "tokens.csv").write_text("\n".join(people) + "\n")
    return b"".join(front_proxy)


PEOPLE = ("alice", "bob", "carol")


def etcd(bin_folder: Path, folder: Path, ports: list[int]) -> list[str]:
    client, peer = (f"http://127.0.0.1:{port}" for port in ports[:2])
    return [
        str(bin_folder / "etcd"), f"--data-dir={folder}/etcd", "--unsafe-no-fsync",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
    ]  # fmt: skip


def kube_apiserver(bin_folder: Path, folder: Path, ports: list[int]) -> list[str]:
    flags = {
        "etcd-servers": f"http://127.0.0.1:{ports[0]}",
        "bind-address": "127.0.0.1",
        "advertise-address": "192.0.2.1",
        "secure-port": str(ports[2]),
        "tls-cert-file": f"{folder}/server.crt",
        "tls-private-key-file": f"{folder}/server.key",
        "client-ca-file": f"{folder}/ca.crt",
        "token-auth-file": f"{folder}/tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": f"{folder}/ca.crt",
        "service-account-signing-key-file": f"{folder}/ca.key",
        "service-cluster-ip-range": "10.96.0.0/16",
        "requestheader-client-ca-file": f"{folder}/rh.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": f"{folder}/fp.crt",
        "proxy-client-key-file": f"{folder}/fp.key",
        "endpoint-reconciler-type": "none",
        "disable-admission-plugins": "ServiceAccount",
    }
    return [str(bin_folder / "kube-apiserver"), *(f"--{name}={value}" for name, value in flags.items())]


def wait_ready(server: ApiServer, processes: list[subprocess.Popen[bytes]]) -> None:
    context = ssl.create_default_context(cafile=str(server.folder / "ca.crt"))
    request = urllib.request.Request(f"{server.url}/readyz", headers={"Authorization": f"Bearer {ADMIN}"})
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes), (server.folder / "log").read_text()[-3000:]
        try:
            with urllib.request.urlopen(request, context=context, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise AssertionError((server.folder / "log").read_text()[-3000:])


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


NOT_RUN_HERE = {"Deployment", "PodDisruptionBudget", "PersistentVolumeClaim", "Service", "ServiceMonitor"}


def install(server: ApiServer, face: str, mode: str = "aggregated") -> None:
    """What the chart makes, but for what needs nodes. face: the loopback address where the API face will listen."""
    helm = server.bin / "helm"
    command = [
        str(helm), "template", "kodkod", str(ROOT / "deploy/chart"), "--namespace=kodkod-system",
        "--kube-version=1.37.0", f"--set=api.mode={mode}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    objects = [one for one in yaml.safe_load_all(done.stdout) if one and one["kind"] not in NOT_RUN_HERE]
    spaces = ("kodkod-system", "tigera-dpi", "dev", "prod")
    server.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in spaces))
    first = [one for one in objects if one["kind"] in ("CustomResourceDefinition", "Namespace")]
    server.apply(*first)
    server.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=240s")
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kodkod-face", "namespace": "kodkod-system"},
        "spec": {"type": "ExternalName", "externalName": face, "ports": [{"port": 443}]},
    }  # fmt: skip
    server.apply(service, *(one for one in objects if one not in first))


@dataclass(slots=True)
class Installed:
    """api: the cluster. host: address of the face (443) and of the server (9443)."""

    api: ApiServer
    host: str
    mode: str = "aggregated"
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"https://{self.host}:9443"

    @contextlib.contextmanager
    def running(self) -> Iterator["Installed"]:
        try:
            self.start("server", 9443)
            self.start("face", 443)
            ours = "v3.projectcalico.org" if self.mode == "aggregated" else "v1.data.kodkod.dev"
            self.api.kubectl("wait", "--for=condition=Available", f"apiservice/{ours}", "--timeout=240s")
            yield self
        finally:
            for process in self.processes.values():
                process.terminate()
            for process in self.processes.values():
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def start(self, part: str, port: int) -> None:
        """Run a part as its own service account, and wait until it is ready."""
        folder = self.api.folder / part
        environment = self.api.account(f"kodkod-{part}", "kodkod-system", folder / "account")
        environment |= {"POD_NAME": f"kodkod-{part}-0", "KODKOD_API_MODE": self.mode}
        if part == "face":
            self.node_token("kodkod-face", "kodkod-system", folder / "kodkod")
        config = {
            "data": str(folder / "data"), "account": str(folder / "account"), "host": self.host, "port": port,
            "environment": environment, "server": self.url, "token": str(folder / "kodkod/token"),
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config))
        command = [sys.executable, str(Path(__file__).with_name("parts.py")), part, str(folder / "config.json")]
        with (folder / "log").open("ab") as log:
            self.processes[part] = subprocess.Popen([*ENDS_WITH_US, *command], stdout=log, stderr=log)
        self.wait_ready(part, port)

    def wait_ready(self, part: str, port: int) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.processes[part].poll() is None, self.log(part)
            with contextlib.suppress(OSError, urllib.error.URLError):
                url = f"https://{self.host}:{port}/readyz"
                with urllib.request.urlopen(url, context=context, timeout=2):
                    return
            time.sleep(0.2)
        raise AssertionError(self.log(part))

    def log(self, part: str) -> str:
        return (self.api.folder / part / "log").read_text()[-5000:]

    def node_token(self, account: str, namespace: str, folder: Path, node: str = "n1") -> str:
        """A token for our own audience, bound to a pod of the account on a node; the node has the loopback address."""
        pod = f"{account}-{node}"
        self.api.apply(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
        )
        address = "127.0.0.1" if node == "n1" else "10.9.9.9"
        status = {"status": {"addresses": [{"type": "InternalIP", "address": address}]}}
        self.api.kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", json.dumps(status))
        spec = {"nodeName": node, "serviceAccountName": account, "containers": [{"name": "c", "image": "i"}]}
        made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod, "namespace": namespace}, "spec": spec}
        self.api.kubectl("create", "-f", "-", stdin=json.dumps(made), check=False)
        self.api.account(
            account, namespace, folder, "--audience=kodkod", "--bound-object-kind=Pod", f"--bound-object-name={pod}"
        )
        return (folder / "token").read_text()

    def ask(
        self, token: str, method: str, path: str, body: object = None, headers: dict[str, str] | None = None,
        source: str = "",
    ) -> tuple[int, Any]:  # fmt: skip
        """A request on the server. source: the address it comes from."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            self.host, 9443, context=context, timeout=120, source_address=(source, 0) if source else None
        )
        try:
            connection.request(method, path, body=data, headers={k: v for k, v in given.items() if v != "Bearer "})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text
