"""Is the ground firm? What the other tests of the cluster stand on: nodes, DNS, Services, faults, our image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from tests.cluster.ground import Cluster, Object

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
RULE = 'alert udp any any -> any 53 ( msg:"a word"; content:"kodkod"; sid:1000001; rev:1; )'


def pod(namespace: str, name: str, image: str, *arguments: str, config: str = "") -> Object:
    """A pod that runs our image once, under the `restricted` Pod Security Standard."""
    volumes = [{"name": "given", "configMap": {"name": config}}] if config else []
    mounts = [{"name": "given", "mountPath": "/given", "readOnly": True}] if config else []
    container = {"name": "main", "image": image, "args": [*arguments], "securityContext": RESTRICTED}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{**container, "volumeMounts": mounts}],
            "volumes": volumes,
        },
    }


def test_nodes_are_ready(cluster: Cluster) -> None:
    for node in json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]:
        conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
        assert conditions["Ready"] == "True", node["metadata"]["name"]


def test_our_image_runs_as_anybody_with_a_read_only_root(cluster: Cluster, namespace: str, image: str) -> None:
    cluster.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")

    log = cluster.run_pod(pod(namespace, "help", image, "--help"))

    assert "Usage: kodkod COMMAND" in log


def test_scan_judges_a_capture_in_a_pod(cluster: Cluster, namespace: str, image: str, tmp_path: Path) -> None:
    frames = [Ether() / IP(dst="10.0.0.2") / UDP(sport=4000, dport=53) / text for text in (b"cat", b"a kodkod", b"dog")]
    wrpcap(str(tmp_path / "case.pcap"), frames)
    (tmp_path / "case.rules").write_text(RULE)
    cluster.kubectl("-n", namespace, "create", "configmap", "case", f"--from-file={tmp_path}")
    arguments = ("scan", "/given/case.pcap", "--rules", "/given/case.rules", "-o", "json")

    log = cluster.run_pod(pod(namespace, "scan", image, *arguments, config="case"))

    alerts = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [(alert["sid"], alert["packet"]) for alert in alerts] == [(1000001, 2)]


def test_the_workshops_pods_stand_where_they_should(workshop: Cluster, two_nodes: tuple[str, str]) -> None:
    placed = {each["spec"]["nodeName"] for each in workshop.items("pods", namespace="dev", selector="app=nginx")}
    assert placed == set(two_nodes)


def test_both_nginx_answer_behind_their_service(workshop: Cluster) -> None:
    script = "for i in $(seq 20); do curl -sS -m 2 http://nginx-svc/hostname; done | sort -u | wc -l"
    workshop.wait_for("both nginx answer", lambda: workshop.exec("dev", "netshoot", script).strip() == "2")


def test_uat_reaches_devs_nginx_by_its_own_service(workshop: Cluster) -> None:
    assert "Welcome" in workshop.exec("uat", "netshoot", "curl -sS -m 2 http://nginx-svc")


def test_the_load_balancer_answers_from_outside(workshop: Cluster) -> None:
    def answer() -> bool:
        status = workshop.get("service", "frontend-external", namespace="default")["status"]
        url = f"http://{status['loadBalancer']['ingress'][0]['ip']}/"
        done = subprocess.run(["curl", "-sS", "-m", "2", url], capture_output=True, text=True, check=False)
        return "Welcome" in done.stdout

    workshop.wait_for("the LoadBalancer's address answers", answer)


def test_a_killed_kubelet_comes_back(local: Cluster) -> None:
    node = local.nodes()[0]
    before = local.enter("cp", "cat", f"{local.state}/pid/{node}-kubelet")

    local.kill(f"{node}-kubelet")

    after = local.wait_for(
        "another kubelet runs",
        lambda: (pid := local.enter("cp", "cat", f"{local.state}/pid/{node}-kubelet")) != before and pid,
    )
    assert after != before
    local.kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=30s")
