"""What keeps Kodkod from working in a cluster? Everything is read first, then judged; what may not be read is said.

The order is that of causes: without a kernel no agent, without a registered API no captures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from kodkod.cli.doctor import nodes, registration, workloads
from kodkod.cli.doctor.findings import Finding, note, ok, problem, unknown
from kodkod.cli.doctor.reading import Reader, Refused
from kodkod.resources import Object

MINOR_MIN = 30
SYSTEM, INSPECTORS = "kodkod-system", "tigera-dpi"

PATHS = {
    "nodes": "/api/v1/nodes",
    "namespaces": "/api/v1/namespaces",
    "apiservices": "/apis/apiregistration.k8s.io/v1/apiservices",
    "crds": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "policies": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "deployments": f"/apis/apps/v1/namespaces/{SYSTEM}/deployments",
    "pods": f"/api/v1/namespaces/{SYSTEM}/pods",
    "inspectors": f"/api/v1/namespaces/{INSPECTORS}/pods",
    "claims": f"/api/v1/namespaces/{SYSTEM}/persistentvolumeclaims",
    "leases": "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
    "reports": "/apis/kodkod.dev/v1alpha1/nodereports",
    "inspections": "/apis/crd.projectcalico.org/v1/deeppacketinspections",
    "felix": "/apis/crd.projectcalico.org/v1/felixconfigurations",
}
ELSEWHERE = {
    "inspections": "/apis/projectcalico.org/v3/deeppacketinspections",
    "felix": "/apis/projectcalico.org/v3/felixconfigurations",
}
"""Where the same is kept when `projectcalico.org/v3` is served from CRDs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """lists: items by the words of PATHS; a word that is missing could not be read, and `refused` says why.

    now: the API server's clock, by which all others are judged.
    """

    version: Object
    now: datetime | None
    lists: dict[str, list[Object]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def items(self, word: str) -> list[Object]:
        return self.lists.get(word, [])


def gather(reader: Reader) -> Facts:
    """Read everything. Raises Unreachable."""
    version = reader.get("/version") or {}
    lists: dict[str, list[Object]] = {}
    refused: dict[str, str] = {}
    for word, path in PATHS.items():
        try:
            found = reader.get(path)
            if found is None and word in ELSEWHERE:
                found = reader.get(ELSEWHERE[word])
            lists[word] = (found or {}).get("items") or []
        except Refused as error:
            refused[word] = str(error)
    try:
        now = reader.now()
    except Refused:
        now = None
    return Facts(version, now, lists, refused)


def findings(reader: Reader) -> Iterator[Finding]:
    return judge(gather(reader))


def judge(facts: Facts) -> Iterator[Finding]:
    yield version_finding(facts.version)
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]], tuple[str, ...]], ...] = (
        ("kernel", lambda: nodes.kernel_findings(facts.items("nodes")), ("nodes",)),
        ("network", lambda: nodes.network_findings(facts.items("daemonsets"), facts.items("felix")), ("daemonsets",)),
        ("rights", lambda: workloads.security_findings(facts.items("namespaces")), ("namespaces",)),
        (
            "api",
            lambda: registration.findings(
                facts.items("apiservices"), facts.items("crds"), facts.items("namespaces"), facts.items("deployments")
            ),
            ("apiservices", "crds"),
        ),
        ("admission", lambda: admission_findings(facts.items("policies")), ("policies",)),
        ("clock", lambda: nodes.clock_findings(facts.items("leases"), facts.now), ("leases",)),
        ("server", lambda: workloads.deployment_findings(facts.items("deployments"), facts.items("pods")), ("pods",)),
        (
            "agent",
            lambda: workloads.daemon_findings(
                "agent", (SYSTEM, "kodkod-agent"), facts.items("daemonsets"), facts.items("pods")
            ),
            ("daemonsets", "pods"),
        ),
        (
            "inspector",
            lambda: workloads.inspector_findings(
                facts.items("inspections"), facts.items("daemonsets"), facts.items("inspectors")
            ),
            ("daemonsets", "inspections"),
        ),
        ("stores", lambda: workloads.claim_findings(facts.items("claims")), ("claims",)),
        ("reports", lambda: nodes.report_findings(facts.items("reports"), facts.items("nodes")), ("reports", "nodes")),
    )
    for check, ask, needed in checks:
        barred = [facts.refused[word] for word in needed if word in facts.refused]
        if barred:
            yield unknown(check, f"may not be looked at: {first_line(barred[0])}", "run as a cluster administrator")
        else:
            yield from ask()


def version_finding(version: Object) -> Finding:
    shown = version.get("gitVersion", "of unknown version")
    minor = "".join(filter(str.isdigit, str(version.get("minor", ""))))
    if minor and version.get("major") == "1" and int(minor) < MINOR_MIN:
        return problem(
            "kubernetes", f"Kubernetes {shown} does not bind tokens to nodes", f"use Kubernetes 1.{MINOR_MIN} or newer"
        )
    return ok("kubernetes", f"Kubernetes {shown}")


def admission_findings(bindings: list[Object]) -> Iterator[Finding]:
    if any(binding["metadata"]["name"] == "kodkod-nodereports" for binding in bindings):
        yield ok("admission", "a node writes its own reports only")
    else:
        yield note(
            "admission", "a stolen token of one agent could write the reports of every node",
            "install the chart with admission.enabled=true",
        )  # fmt: skip


def first_line(text: str) -> str:
    return text.partition("\n")[0]
