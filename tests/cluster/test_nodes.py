"""What is true on nodes: a pod's first question is recorded; a node that is gone leaves the status."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import NAMESPACE
from tests.cluster.ground import Cluster, Object

SERVER = "kodkod-server.kodkod-system.svc"
ASKING = 30
AT_ONCE = 8
GONE_S = 240.0  # a node is NotReady some 50 s after its death, and its entries have a minute more


@dataclass(frozen=True, slots=True)
class Logs:
    """The server's API of logs, asked with an administrator's token."""

    address: str
    token: str
    authority: Path

    def records(self, dataset: str, query: str) -> list[Object]:
        """All of them, page by page."""
        found: list[Object] = []
        cursor = ""
        while True:
            words = urllib.parse.urlencode({"query": query, "limit": "500", **({"cursor": cursor} if cursor else {})})
            page = self._ask(f"/v1/logs/{dataset}?{words}")
            found += page["items"]
            cursor = page.get("next_cursor") or ""
            if not cursor or not page["items"]:
                return found

    def _ask(self, path: str) -> Any:
        command = [
            *("curl", "-sS", "--fail-with-body", "-m", "20", "--cacert", str(self.authority)),
            *("-H", f"Authorization: Bearer {self.token}", "--connect-to", f"{SERVER}:9443:{self.address}:9443"),
            f"https://{SERVER}:9443{path}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def logs(installed: Cluster, tmp_path: Path) -> Iterator[Logs]:
    name = "nodes-reader"
    installed.kubectl("-n", NAMESPACE, "create", "serviceaccount", name)
    account = f"--serviceaccount={NAMESPACE}:{name}"
    installed.kubectl("create", "clusterrolebinding", name, "--clusterrole=cluster-admin", account)
    authority = tmp_path / "ca.crt"
    authority.write_text(installed.get("configmap", "kodkod-ca", namespace=NAMESPACE)["data"]["ca.crt"])
    address = installed.get("service", "kodkod-server", namespace=NAMESPACE)["spec"]["clusterIP"]
    yield Logs(address, installed.token(NAMESPACE, name), authority)
    installed.kubectl("delete", "clusterrolebinding", name)
    installed.kubectl("-n", NAMESPACE, "delete", "serviceaccount", name)


def asking(namespace: str) -> Object:
    """Pods whose first and only act is a question of the name server."""
    container = {
        "name": "asks",
        "image": "localhost/netshoot:1",
        "command": ["sh", "-c", "curl -s -m 20 http://$HOSTNAME.first.example; exit 0"],
        "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
    }
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "asking", "namespace": namespace},
        "spec": {"completions": ASKING, "parallelism": AT_ONCE, "template": {"spec": pod}},
    }


def test_first_questions_are_recorded(installed: Cluster, namespace: str, logs: Logs) -> None:
    installed.apply(json.dumps(asking(namespace)))

    def succeeded() -> bool:
        status = installed.get("job", "asking", namespace=namespace).get("status", {})
        return int(status.get("succeeded") or 0) >= ASKING

    installed.wait_for("all pods have asked", succeeded, within_s=600)
    pods = {pod["metadata"]["name"] for pod in installed.items("pods", namespace=namespace, selector="job-name=asking")}

    def askers() -> set[str]:
        asked = logs.records("dns", f'client_namespace = "{namespace}"')
        return {one["client_name"] for one in asked if re.match(r"asking-\w+\.first\.example", one["qname"])}

    installed.wait_for("their questions are recorded", lambda: not pods - askers(), within_s=120)


def test_entries_of_a_node_that_is_gone_leave_and_come_back(
    local: Cluster, installed: Cluster, two_nodes: tuple[str, str], namespace: str
) -> None:
    server = installed.items("pods", namespace=NAMESPACE, selector="k8s-app=kodkod-server")[0]["spec"]["nodeName"]
    gone = next(node for node in two_nodes if node != server)
    for node in two_nodes:
        container = {"name": "web", "image": "localhost/nginx:1"}
        metadata = {"name": f"web-{node}", "namespace": namespace}
        spec = {"nodeName": node, "terminationGracePeriodSeconds": 1, "containers": [container]}
        installed.apply(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
    capture = {"metadata": {"name": "all", "namespace": namespace}, "spec": {"selector": "all()"}}
    installed.apply(json.dumps({"apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", **capture}))

    def entries() -> set[str]:
        status = installed.get("packetcaptures.projectcalico.org", "all", namespace=namespace).get("status", {})
        return {entry["node"] for entry in status.get("files", [])}

    installed.wait_for("both nodes take part", lambda: entries() == set(two_nodes), within_s=120)
    local.hold(gone)
    try:
        installed.wait_for("its entry leaves", lambda: entries() == set(two_nodes) - {gone}, within_s=GONE_S)
        told = installed.wait_for("its files are reported lost", lambda: lost(installed, namespace), within_s=30)
        assert gone in told
    finally:
        local.release(gone)
    installed.wait_for("it takes part again", lambda: entries() == set(two_nodes), within_s=GONE_S)


def lost(cluster: Cluster, namespace: str) -> str:
    events = cluster.items("events", namespace=namespace)
    return " ".join(str(event.get("message")) for event in events if event.get("reason") == "NodeGone")
