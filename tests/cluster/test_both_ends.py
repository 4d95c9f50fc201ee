"""How many events does one message make? One for each inspected end: 2, 1, 1, 0, on one node as across two.

Namespace red is inspected, blue is not; each has two pods, placed by the test. The message is the workshop's.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cluster.conftest import NAMESPACE
from tests.cluster.ground import Cluster, Object

SERVER = "kodkod-server.kodkod-system.svc"
SENT = (("red1", "red2", 2), ("red1", "blue1", 1), ("blue2", "red2", 1), ("blue2", "blue1", 0))
QUIET_S = 10.0  # events are shipped every second; what has not come by then will not
INSPECTION = {
    "apiVersion": "projectcalico.org/v3",
    "kind": "DeepPacketInspection",
    "metadata": {"name": "red-dpi-all", "namespace": "red"},
    "spec": {"selector": "all()"},
}
ANALYST = f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: ends-reader, namespace: {NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: ends-reader}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}
subjects: [{{kind: ServiceAccount, name: ends-reader, namespace: {NAMESPACE}}}]
"""


@dataclass(frozen=True, slots=True)
class Events:
    """What the server's API of events says, asked with a person's token."""

    address: str
    token: str
    authority: Path

    def between(self, source: str, destination: str, since: datetime) -> list[Object]:
        """Events of inspection from one address to another."""
        query = f"from={since:%Y-%m-%dT%H:%M:%SZ}&limit=500&query=type%3Ddeep_packet_inspection"
        done = subprocess.run(
            [
                *("curl", "-sS", "--fail-with-body", "-m", "20", "--cacert", str(self.authority)),
                *("-H", f"Authorization: Bearer {self.token}", "--connect-to", f"{SERVER}:9443:{self.address}:9443"),
                f"https://{SERVER}:9443/v1/events?{query}",
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        items: list[Object] = json.loads(done.stdout)["items"]
        return [item for item in items if (item.get("source_ip"), item.get("dest_ip")) == (source, destination)]


@pytest.fixture
def events(installed: Cluster, tmp_path: Path) -> Events:
    installed.apply(ANALYST)
    authority = tmp_path / "ca.crt"
    authority.write_text(installed.get("configmap", "kodkod-ca", namespace=NAMESPACE)["data"]["ca.crt"])
    address = installed.get("service", "kodkod-server", namespace=NAMESPACE)["spec"]["clusterIP"]
    return Events(address, installed.token(NAMESPACE, "ends-reader"), authority)


@pytest.fixture(params=["on one node", "across two nodes"])
def addresses(
    request: pytest.FixtureRequest, installed: Cluster, two_nodes: tuple[str, str]
) -> Iterator[dict[str, str]]:
    """The four pods, ready and inspected where they should be: name → address."""
    one, other = two_nodes if request.param == "across two nodes" else (two_nodes[0], two_nodes[0])
    try:
        yield placed(installed, {"red1": one, "red2": other, "blue1": other, "blue2": one})
    finally:
        installed.kubectl("delete", "namespace", "--ignore-not-found", "red", "blue", timeout_s=240)


def placed(cluster: Cluster, nodes: dict[str, str]) -> dict[str, str]:
    """Make the pods on these nodes and inspect namespace red; their addresses, once all is ready."""
    for namespace in ("red", "blue"):
        cluster.kubectl("create", "namespace", namespace)
    cluster.apply(json.dumps(INSPECTION))
    for name, node in nodes.items():
        cluster.apply(json.dumps(pod(name, node)))
    for name in nodes:
        cluster.wait_ready(name, namespace=name[:-1])
    cluster.wait_for("both red pods are inspected", lambda: inspected(cluster) == 2, within_s=180)
    return {name: cluster.get("pod", name, namespace=name[:-1])["status"]["podIP"] for name in nodes}


def pod(name: str, node: str) -> Object:
    """A web server that can also ask, on that node."""
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 1, "timeoutSeconds": 5}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": name[:-1], "labels": {"app": name}},
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {"name": "web", "image": "localhost/nginx:1", "readinessProbe": probe},
                {"name": "tools", "image": "localhost/netshoot:1", "command": ["sleep", "infinity"]},
            ],
        },
    }


def inspected(cluster: Cluster) -> int:
    status = cluster.get("deeppacketinspections.projectcalico.org", "red-dpi-all", namespace="red").get("status", {})
    return sum(node.get("endpoints", 0) for node in status.get("nodes", []))


def test_each_inspected_end_makes_one_event(installed: Cluster, events: Events, addresses: dict[str, str]) -> None:
    since = datetime.now(UTC)
    for source, destination, _ in SENT:
        request = (
            f"curl -sS -m 5 -o /dev/null http://{addresses[destination]} -A Mozilla/4.0 -XPOST --data-raw smk=1234"
        )
        installed.exec(source[:-1], source, request, container="tools")

    def counted() -> list[int]:
        pairs = ((addresses[source], addresses[destination]) for source, destination, _ in SENT)
        return [len(events.between(*pair, since)) for pair in pairs]

    wanted = [count for *_, count in SENT]
    installed.wait_for("2, 1, 1 and 0 events", lambda: counted() == wanted, within_s=180)
    time.sleep(QUIET_S)  # none may come late: there is no fact to wait for
    assert counted() == wanted
