"""The chart on a real cluster: what it makes is taken, guarded, upgraded without loss, and removed without a trace."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import NAMESPACE, RELEASE
from tests.cluster.ground import Cluster, CommandFailed, Object

ROOT = Path(__file__).parents[2]
CHART = str(ROOT / "deploy/chart")
AGENT, INSPECTOR = "system:serviceaccount:kodkod-system:kodkod-agent", "system:serviceaccount:tigera-dpi:tigera-dpi"
WORKLOADS = ("deployment/kodkod-server", "deployment/kodkod-face", "daemonset/kodkod-agent")


def version_of(cluster: Cluster) -> str:
    """Said to Helm: one built from source takes itself for an old one."""
    return str(json.loads(cluster.kubectl("get", "--raw", "/version"))["gitVersion"])


def dry_run(cluster: Cluster, text: str) -> list[str]:
    """What the API server says of each object; what is installed here keeps its logs in no volume."""
    text = re.sub(r"persistentVolumeClaim:\n +claimName: kodkod-server", "emptyDir: {}", text)
    options = ("--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    return cluster.kubectl("apply", *options, stdin=text).splitlines()


def test_plain_manifests_are_taken(installed: Cluster) -> None:
    said = dry_run(installed, (ROOT / "deploy/manifests/kodkod.yaml").read_text())

    assert len(said) > 40
    assert all("serverside-applied (server dry run)" in line for line in said)


@pytest.mark.parametrize("mode", ["v3-crds", "crd-only"])
def test_what_other_modes_make_is_taken(installed: Cluster, mode: str) -> None:
    where = ("-n", NAMESPACE, "--set", f"api.mode={mode}", "--kube-version", version_of(installed))
    said = dry_run(installed, installed.helm("template", RELEASE, CHART, *where))

    assert len(said) > 40
    assert all("serverside-applied (server dry run)" in line for line in said)


# A second release stands for whoever was there before.


def other(cluster: Cluster, *settings: str) -> str:
    values = [part for setting in settings for part in ("--set", setting)]
    where = ("-n", "default", "--dry-run=server", "--kube-version", version_of(cluster))
    return cluster.helm("template", "other", CHART, *where, *values)


def test_a_public_group_of_somebody_else_is_not_taken_over(installed: Cluster) -> None:
    with pytest.raises(CommandFailed) as refused:
        other(installed)
    assert "served by kodkod-system/kodkod-face already: install with --set api.mode=crd-only" in refused.value.stderr

    with pytest.raises(CommandFailed) as hidden:
        other(installed, "api.mode=v3-crds")
    assert "CRDs of that group would stay hidden" in hidden.value.stderr


def test_definitions_and_namespaces_of_somebody_else_stay_as_they_are(installed: Cluster) -> None:
    text = other(installed, "api.mode=crd-only")

    assert "kind: Deployment" in text
    assert "kind: CustomResourceDefinition" not in text
    assert "kind: Namespace" not in text


def report(node: str, role: str) -> str:
    return json.dumps(
        {
            "apiVersion": "kodkod.dev/v1alpha1",
            "kind": "NodeReport",
            "metadata": {"name": f"{node}-{role}"},
            "spec": {"node": node, "role": role},
        }
    )


def as_node_process(cluster: Cluster, token: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """kubectl with a token and nothing else: the admin's client certificate would win over it."""
    config = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    server = config["clusters"][0]["cluster"]["server"]
    command = ["kubectl", "--kubeconfig=/dev/null", f"--server={server}", "--insecure-skip-tls-verify"]
    return subprocess.run(
        [*command, f"--token={token}", *arguments], input=stdin, capture_output=True, text=True, timeout=30, check=False
    )


def token_of(cluster: Cluster, namespace: str, account: str, node: str = "") -> str:
    bound = ["--bound-object-kind=Node", f"--bound-object-name={node}"] if node else []
    return cluster.kubectl("-n", namespace, "create", "token", account, "--duration=10m", *bound).strip()


def test_a_token_writes_reports_of_its_own_node_and_role(installed: Cluster, two_nodes: tuple[str, str]) -> None:
    here, there = two_nodes
    agent = token_of(installed, "kodkod-system", "kodkod-agent", here)

    def attempt(node: str, role: str, *verb: str) -> str:
        """What is said when the agent tries; nothing when it is let."""
        arguments = verb or ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
        return as_node_process(installed, agent, *arguments, stdin=report(node, role)).stderr

    assert attempt(here, "agent") == ""
    only = f"the agent of node {here} may write only the NodeReport {here}-agent"
    assert only in attempt(there, "agent")
    assert only in attempt(here, "inspector")
    patch = ("patch", "nodereport", f"{there}-agent", "--type=merge", "--dry-run=server", "-p")
    assert only in attempt("", "", *patch, '{"metadata":{"labels":{"a":"b"}}}')
    assert only in attempt("", "", *patch, '{"status":{"ready":false}}', "--subresource=status")
    assert "forbidden" in attempt("", "", "delete", "nodereport", f"{here}-agent", "--dry-run=server")


def test_a_token_that_is_bound_to_no_node_writes_nothing(installed: Cluster, two_nodes: tuple[str, str]) -> None:
    loose = token_of(installed, "kodkod-system", "kodkod-agent")
    done = as_node_process(
        installed, loose, "apply", "--server-side", "--dry-run=server", "-f", "-", stdin=report(two_nodes[0], "agent")
    )

    assert "this token is bound to no node" in done.stderr


@pytest.mark.parametrize(
    ("who", "verb", "what", "answer"),
    [
        (AGENT, "list", "packetcaptures.crd.projectcalico.org", "yes"),
        (AGENT, "create", "packetcaptures.crd.projectcalico.org", "no"),
        (AGENT, "list", "secrets", "no"),
        (AGENT, "get", "configmaps/other", "no"),
        (AGENT, "create", "pods", "no"),
        (INSPECTOR, "update", "deeppacketinspections.crd.projectcalico.org", "no"),
        ("system:serviceaccount:kodkod-system:kodkod-server", "create", "daemonsets.apps", "no"),
        ("system:serviceaccount:kodkod-system:kodkod-server", "create", "pods/exec", "no"),
        ("system:serviceaccount:kodkod-system:kodkod-server", "list", "secrets", "no"),
        ("system:serviceaccount:kodkod-system:kodkod-face", "patch", "apiservices/v1.apps", "no"),
        ("system:serviceaccount:kodkod-system:kodkod-face", "patch", "apiservices/v3.projectcalico.org", "yes"),
        ("system:serviceaccount:kodkod-system:kodkod-face", "list", "pods", "no"),
    ],
)
def test_rights_of_our_own(installed: Cluster, who: str, verb: str, what: str, answer: str) -> None:
    done = installed.try_kubectl("auth", "can-i", verb, what, "-n", "default", f"--as={who}")

    assert done.stdout.strip() == answer


ROLES = ("view", "edit", "admin")


@pytest.fixture(scope="module")
def people(installed: Cluster) -> Iterator[str]:
    """A namespace in which the users view, edit and admin have the roles of these names."""
    namespace = "rights"
    bindings = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": role}],
        }
        for role in ROLES
    ]
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    installed.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": [space, *bindings]}))
    yield namespace
    installed.kubectl("delete", "namespace", namespace, "--wait=false")


def may(cluster: Cluster, user: str, verb: str, resource: str, namespace: str) -> bool:
    """Asked as the server asks: some of our resources are known to nobody else. resource: `group/resource[/sub]`."""
    group, name, *sub = resource.split("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": "".join(sub), "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "resourceAttributes": attributes},
    }
    answer: Object = json.loads(cluster.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])


@pytest.mark.parametrize(
    ("verb", "resource", "who"),
    [
        ("get", "projectcalico.org/packetcaptures", "view edit admin"),
        ("create", "projectcalico.org/packetcaptures", "edit admin"),
        ("delete", "projectcalico.org/deeppacketinspections", "edit admin"),
        ("get", "projectcalico.org/packetcaptures/files", "admin"),
        ("delete", "projectcalico.org/packetcaptures/files", "admin"),
        ("get", "kodkod.dev/events", "view edit admin"),
        ("get", "kodkod.dev/logs", "view edit admin"),
        ("update", "kodkod.dev/events", ""),
        ("create", "kodkod.dev/ingest", ""),
        ("create", "crd.projectcalico.org/packetcaptures", ""),
        ("create", "projectcalico.org/globalalerts", ""),
    ],
)
def test_rights_of_people_in_their_namespace(
    installed: Cluster, people: str, verb: str, resource: str, who: str
) -> None:
    here = [role for role in ROLES if may(installed, role, verb, resource, people)]
    assert here == who.split()
    assert not [role for role in ROLES if may(installed, role, verb, resource, "default")]


def test_certificates_survive_an_upgrade(installed: Cluster) -> None:
    def certificates() -> tuple[Object, Object, str]:
        secret = installed.get("secret", "kodkod-tls", namespace=NAMESPACE)
        authority = installed.get("configmap", "kodkod-ca", namespace=NAMESPACE)
        service = installed.get("apiservice", "v3.projectcalico.org")
        return secret["data"], authority["data"], service["spec"]["caBundle"]

    before = certificates()
    installed.helm(
        "upgrade",
        RELEASE,
        CHART,
        "-n",
        NAMESPACE,
        "--reset-then-reuse-values",
        "--set",
        "server.service.annotations.a=b",
    )

    assert installed.get("service", "kodkod-server", namespace=NAMESPACE)["metadata"]["annotations"]["a"] == "b"
    assert certificates() == before


def ours(cluster: Cluster) -> list[str]:
    """Whatever of us is in the cluster but the definitions, their objects, and the namespace of the release."""
    found = cluster.kubectl(
        "get", "clusterroles,clusterrolebindings,apiservices,namespaces,validatingadmissionpolicies,"
        "validatingadmissionpolicybindings", "-o", "name", "-l", "app.kubernetes.io/part-of=kodkod",
    ).split()  # fmt: skip
    everywhere = "deployments,daemonsets,services,configmaps,secrets,leases,persistentvolumeclaims,roles,rolebindings"
    found += cluster.kubectl("get", everywhere, "-A", "-o", "name", "-l", "app.kubernetes.io/part-of=kodkod").split()
    found += cluster.kubectl("-n", NAMESPACE, "get", "secrets,leases,deployments,pods", "-o", "name").split()
    return sorted(found)


def test_removal_leaves_definitions_alone_and_comes_back(installed: Cluster, namespace: str) -> None:
    """One DeepPacketInspection is there, so the inspector's DaemonSet, which no chart made, has to go as well."""
    inspection = {
        "apiVersion": "projectcalico.org/v3",
        "kind": "DeepPacketInspection",
        "metadata": {"name": "stays", "namespace": namespace},
        "spec": {"selector": "app == 'none'"},
    }
    installed.apply(json.dumps(inspection))
    daemons = ("ds", "tigera-dpi")
    installed.wait_for("the inspectors", lambda: installed.get(*daemons, namespace="tigera-dpi"), within_s=60)
    values = installed.helm("get", "values", RELEASE, "-n", NAMESPACE, "-o", "json")

    installed.helm("uninstall", RELEASE, "-n", NAMESPACE, "--wait", "--timeout", "2m")
    installed.wait_for("nothing of us is left", lambda: ours(installed) == [], within_s=120)
    assert "tigera-dpi" not in installed.kubectl("get", "namespaces", "-o", "name")
    kept = installed.kubectl("get", "crd", "-o", "name", "-l", "app.kubernetes.io/part-of=kodkod")
    assert "packetcaptures.crd.projectcalico.org" in kept
    assert "nodereports.kodkod.dev" not in kept
    assert installed.get("deeppacketinspections.crd.projectcalico.org", "stays", namespace=namespace)

    # and again, onto what was kept
    settings = [part for item in flat(json.loads(values)) for part in ("--set-json", item)]
    installed.helm("install", RELEASE, CHART, "-n", NAMESPACE, *settings)
    for workload in WORKLOADS:
        installed.wait_rolled_out(workload, namespace=NAMESPACE, within_s=180)
    assert installed.get("deeppacketinspections.projectcalico.org", "stays", namespace=namespace)


def flat(values: Object) -> list[str]:
    return [f"{name}={json.dumps(value)}" for name, value in values.items()]
