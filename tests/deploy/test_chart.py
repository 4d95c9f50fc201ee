"""The chart: what it renders in each way of serving the API, what it refuses, and which rights it asks for."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from kodkod.cli.app import COMMANDS
from kodkod.resources import kinds
from kodkod.resources.kinds.calico import GROUP

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/chart"
MODES = ("aggregated", "v3-crds", "crd-only")
Object = dict[str, Any]
Render = Callable[..., list[Object]]


def generator() -> Any:
    specification = importlib.util.spec_from_file_location("deploy", ROOT / "dev/deploy.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def helm() -> str:
    program: str | None = generator().helm_program()
    if program is None:
        pytest.skip("there is no helm (on PATH, named by HELM, or built by make test-cluster)")
    return program


def template(helm: str, *settings: str, namespace: str = "kodkod-system") -> subprocess.CompletedProcess[str]:
    command = [helm, "template", "kodkod", str(CHART), "-n", namespace, "--kube-version", "1.30.0"]
    for setting in settings:
        command += [setting] if setting.startswith("--") else ["--set", setting]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def render(helm: str) -> Render:
    known: dict[tuple[str, ...], list[Object]] = {}

    def rendered(*settings: str, namespace: str = "kodkod-system") -> list[Object]:
        key = (namespace, *settings)
        if key not in known:
            done = template(helm, *settings, namespace=namespace)
            assert done.returncode == 0, done.stderr
            known[key] = [obj for obj in yaml.safe_load_all(done.stdout) if obj]
        return known[key]

    return rendered


def named(objects: list[Object], kind: str, name: str = "", namespace: str = "") -> list[Object]:
    return [
        obj
        for obj in objects
        if obj["kind"] == kind
        and name in ("", obj["metadata"]["name"])
        and namespace in ("", obj["metadata"].get("namespace", ""))
    ]


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Name and pod template of every workload, the inspector's included."""
    inspector = named(objects, "ConfigMap", "kodkod-inspector")[0]["data"]["daemonset.yaml"]
    for obj in [*named(objects, "Deployment"), *named(objects, "DaemonSet"), yaml.safe_load(inspector)]:
        yield obj["metadata"]["name"], obj["spec"]["template"]["spec"]


def test_lint(helm: str) -> None:
    done = subprocess.run([helm, "lint", "--strict", CHART], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_manifests_are_what_the_chart_says(helm: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "dev/deploy.py", "--check"], capture_output=True, text=True, check=False,
        env={"HELM": helm, "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("mode", MODES)
def test_each_object_has_its_namespace_and_labels(render: Render, mode: str) -> None:
    everywhere = {
        "Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "APIService",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    }  # fmt: skip
    for obj in render(f"api.mode={mode}", "--api-versions=monitoring.coreos.com/v1"):
        place = obj["metadata"].get("namespace")
        assert (place is None) == (obj["kind"] in everywhere), obj["metadata"]["name"]
        assert place in {None, "kodkod-system", "tigera-dpi", "kube-system", "kube-node-lease"}
        assert obj["metadata"]["labels"]["app.kubernetes.io/part-of"] == "kodkod"


@pytest.mark.parametrize(
    ("mode", "service", "group"),
    [
        ("aggregated", "v3.projectcalico.org", "crd.projectcalico.org"),
        ("crd-only", "v1.data.kodkod.dev", "crd.projectcalico.org"),
        ("v3-crds", "v1.data.kodkod.dev", "projectcalico.org"),
    ],
)
def test_how_the_api_is_served(render: Render, mode: str, service: str, group: str) -> None:
    objects = render(f"api.mode={mode}")
    crds = named(objects, "CustomResourceDefinition")
    served = {crd["spec"]["group"] for crd in crds}

    assert [obj["metadata"]["name"] for obj in named(objects, "APIService")] == [service]
    assert served & {"projectcalico.org", "crd.projectcalico.org"} == {group}
    assert {crd["spec"]["names"]["kind"] for crd in crds if crd["spec"]["group"] == group} == {
        kind.kind for kind in kinds.ALL if kind.group == GROUP
    }
    for _, pod in pods(objects):
        env = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
        assert env["KODKOD_API_MODE"] == mode
    (ours,) = named(objects, "ClusterRole", "kodkod-resources")
    assert ours["rules"][0]["apiGroups"] == [group]


@pytest.mark.parametrize(("mode", "offers"), [("aggregated", False), ("v3-crds", True), ("crd-only", True)])
def test_short_names_stand_in_one_group_alone(render: Render, mode: str, offers: bool) -> None:
    captures = [
        crd
        for crd in named(render(f"api.mode={mode}"), "CustomResourceDefinition")
        if crd["spec"]["names"]["kind"] == "PacketCapture"
    ]

    assert ["shortNames" in crd["spec"]["names"] for crd in captures] == [offers]


def test_definitions_stay_when_the_release_goes_but_for_reports(render: Render) -> None:
    def kept(objects: list[Object]) -> set[str]:
        return {
            crd["metadata"]["name"]
            for crd in named(objects, "CustomResourceDefinition")
            if crd["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
        }

    crds = {crd["metadata"]["name"] for crd in named(render(), "CustomResourceDefinition")}
    assert kept(render()) == crds - {"nodereports.kodkod.dev"}
    assert kept(render("crds.keep=false")) == set()
    assert named(render("crds.install=false"), "CustomResourceDefinition") == []


def test_what_calico_brings_can_be_left_out(render: Render) -> None:
    crds = {crd["spec"]["names"]["kind"] for crd in named(render("crds.calico=false"), "CustomResourceDefinition")}

    assert not crds & {"FelixConfiguration", "ClusterInformation", "GlobalNetworkSet", "NetworkSet"}


def test_own_namespace_is_made_only_from_outside(render: Render) -> None:
    names = {obj["metadata"]["name"] for obj in named(render(), "Namespace")}
    outside = named(render(namespace="default"), "Namespace")

    assert names == {"tigera-dpi"}
    assert {obj["metadata"]["name"] for obj in outside} == {"kodkod-system", "tigera-dpi"}
    for obj in outside:
        assert obj["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("server.replicas=2", "/server/replicas"),
        ("api.mode=sometimes", "/api/mode"),
        ("server.logs.store=opensearch", "/server/logs/store"),
        ("face.replicas=0", "/face/replicas"),
        ("agent.metricsPort=80", "/agent/metricsPort"),
        ("agent.captureDir=relative", "/agent/captureDir"),
        ("server.persistence.size=much", "/server/persistence/size"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("rbac.packets={everybody}", "/rbac/packets/0"),
        ("podSecurity.enforce=none", "/podSecurity/enforce"),
        ("metrics.monitors=maybe", "/metrics/monitors"),
        ("server.hosts={not a name}", "/server/hosts/0"),
        ("sever.replicas=1", "sever"),
        ("agent.memory=1Gi", "memory"),
    ],
)
def test_settings_that_are_refused(helm: str, setting: str, says: str) -> None:
    done = template(helm, setting)

    assert done.returncode != 0
    assert says in done.stderr


def test_an_old_cluster_is_refused(helm: str) -> None:
    done = template(helm, "--kube-version=1.29.4")

    assert "requires kubeVersion: >=1.30.0" in done.stderr


def test_the_volume(render: Render) -> None:
    (claim,) = named(render(), "PersistentVolumeClaim")
    assert claim["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    assert "annotations" not in claim["metadata"]

    (kept,) = named(render("server.persistence.keep=true"), "PersistentVolumeClaim")
    assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}

    for settings, volume in (
        ("server.persistence.enabled=false", {"emptyDir": {}}),
        ("server.persistence.existingClaim=mine", {"persistentVolumeClaim": {"claimName": "mine"}}),
    ):
        objects = render(settings)
        assert named(objects, "PersistentVolumeClaim") == []
        assert {"name": "data", **volume} in dict(pods(objects))["kodkod-server"]["volumes"]


def test_processes_ask_for_no_more_than_they_need(render: Render) -> None:
    for name, pod in pods(render()):
        (container,) = pod["containers"]
        context = container["securityContext"]
        on_node = name in {"kodkod-agent", "tigera-dpi"}
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"]["drop"] == ["ALL"]
        assert context["capabilities"].get("add", []) == (["NET_RAW", "NET_ADMIN"] if on_node else [])
        assert pod.get("hostNetwork", False) == on_node
        assert not pod.get("hostPID") and not context.get("privileged")
        assert {**pod.get("securityContext", {}), **context}["seccompProfile"] == {"type": "RuntimeDefault"}
        if not on_node:
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert not any("hostPath" in volume for volume in pod["volumes"])


def test_a_node_writes_below_two_folders_of_the_node(render: Render) -> None:
    for name, pod in pods(render()):
        paths = {volume["hostPath"]["path"] for volume in pod["volumes"] if "hostPath" in volume}
        wanted = {
            "kodkod-agent": {"/var/lib/kodkod/agent", "/var/log/calico/pcap"},
            "tigera-dpi": {"/var/lib/kodkod/inspector"},
        }
        assert paths == wanted.get(name, set())


def test_captures_elsewhere_are_found_by_both_names(render: Render) -> None:
    (container,) = dict(pods(render("agent.captureDir=/data/pcap")))["kodkod-agent"]["containers"]

    places = {mount["mountPath"] for mount in container["volumeMounts"] if mount["name"] == "captures"}
    assert places == {"/var/log/calico/pcap", "/data/pcap"}


def rules(objects: list[Object], *, prefix: str = "kodkod-") -> Iterator[tuple[str, Object]]:
    for obj in [*named(objects, "ClusterRole"), *named(objects, "Role")]:
        if obj["metadata"]["name"].startswith(prefix):
            for rule in obj["rules"]:
                yield f"{obj['kind']} {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}", rule


@pytest.mark.parametrize("mode", MODES)
def test_our_own_rights_are_narrow(render: Render, mode: str) -> None:
    for name, rule in rules(render(f"api.mode={mode}")):
        for_people = "security" in name
        resources = set(rule["resources"])
        assert for_people or "*" not in rule["verbs"], name
        assert "*" not in rule["apiGroups"], name
        assert not resources & {"pods/exec", "pods/log", "serviceaccounts/token", "clusterroles", "roles"}, name
        if "secrets" in resources:
            assert rule["resourceNames"] == ["kodkod-tls"] and "create" not in rule["verbs"], name
        if "configmaps" in resources:
            assert set(rule["resourceNames"]) <= {"kodkod-ca", "kodkod-inspector"}, name
        if "daemonsets" in resources and set(rule["verbs"]) - {"get", "list"}:
            assert name.startswith("Role tigera-dpi/"), name
        if "*" in resources and not for_people:
            assert set(rule["verbs"]) == {"get", "list", "watch"}, name


def test_reading_packets_is_a_right_of_its_own(render: Render) -> None:
    objects = render()
    for role in ("kodkod-view", "kodkod-edit", "kodkod-security-view"):
        for rule in named(objects, "ClusterRole", role)[0]["rules"]:
            assert "packetcaptures/files" not in rule["resources"]
    (packets,) = named(objects, "ClusterRole", "kodkod-packets")
    joined = {label for label in packets["metadata"]["labels"] if "aggregate-to" in label}
    assert joined == {"rbac.authorization.k8s.io/aggregate-to-admin"}

    (apart,) = named(render("rbac.packets=null"), "ClusterRole", "kodkod-packets")
    assert not [label for label in apart["metadata"]["labels"] if "aggregate-to" in label]


def test_aggregation_can_be_left_out(render: Render) -> None:
    for role in named(render("rbac.aggregate=false", "rbac.packets=null"), "ClusterRole"):
        assert not [label for label in role["metadata"]["labels"] if "aggregate-to" in label]


def test_the_account_of_the_audit_webhook_only_where_it_is_asked_for(render: Render) -> None:
    assert named(render(), "ServiceAccount", "kodkod-audit") == []
    objects = render("audit.webhookAccount=true")
    (role,) = named(objects, "ClusterRole", "kodkod-audit")
    assert role["rules"] == [
        {"apiGroups": ["kodkod.dev"], "resources": ["ingest"], "resourceNames": ["audit-webhook"], "verbs": ["create"]}
    ]
    assert named(objects, "ServiceAccount", "kodkod-audit")


@pytest.mark.parametrize("file", ["server.yaml", "face.yaml", "nodes.yaml", "audit.yaml"])
def test_each_right_says_why(file: str) -> None:
    """A role's first rule stands below a comment, or the whole role does; later ones may share a reason."""
    for text in (CHART / "templates/rbac" / file).read_text().split("\n---\n"):
        if "\nrules:\n" in text:
            head, first = text.split("\nrules:\n")
            assert first.lstrip().startswith("# ") or re.search(r"^# ", head, re.M), head


def test_monitoring_only_where_it_is_known(render: Render) -> None:
    ours = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}

    def made(*settings: str) -> set[str]:
        return {obj["kind"] for obj in render(*settings)} & ours

    assert made() == set()
    assert made("--api-versions=monitoring.coreos.com/v1") == ours
    assert made("--api-versions=monitoring.coreos.com/v1", "metrics.monitors=never") == {"PrometheusRule"}
    assert made("metrics.rules=always") == {"PrometheusRule"}


def test_alert_rules_ask_for_metrics_that_are_there(render: Render) -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "src/kodkod").rglob("*.py"))
    (found,) = named(render("metrics.rules=always"), "PrometheusRule")
    alerts = found["spec"]["groups"][0]["rules"]

    assert len({alert["alert"] for alert in alerts}) == len(alerts) > 0
    for alert in alerts:
        for metric in re.findall(r"kodkod_node_([a-z_]+)", alert["expr"]):
            assert f'"{metric.removesuffix("_total")}"' in source, metric


def test_processes_take_what_the_chart_tells_them(render: Render) -> None:
    for name, pod in pods(render("server.hosts={kodkod.example.org,192.0.2.1}")):
        word, *options = pod["containers"][0]["args"]
        module, _, attribute = COMMANDS[word][0].partition(":")
        command = typer.main.get_command(getattr(importlib.import_module(module), attribute or "app"))
        known = {option for parameter in command.params for option in parameter.opts}
        assert {option.partition("=")[0] for option in options} <= known, name
