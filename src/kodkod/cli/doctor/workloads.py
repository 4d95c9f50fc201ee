"""Do our pods run, on every node, and if not, what holds them?"""

from __future__ import annotations

from collections.abc import Iterator

from kodkod.cli.doctor.findings import Finding, note, ok, problem
from kodkod.resources import Object

SYSTEM, INSPECTORS = "kodkod-system", "tigera-dpi"
ENFORCE = "pod-security.kubernetes.io/enforce"
IMAGE_FAULTS = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
DEPLOYMENTS = ("kodkod-server", "kodkod-face")


def security_findings(namespaces: list[Object]) -> Iterator[Finding]:
    """Pod Security: agents and inspectors need a namespace that lets them on the node's network."""
    present = {one["metadata"]["name"]: one for one in namespaces}
    if SYSTEM not in present:
        yield problem("rights", f"there is no namespace {SYSTEM}", "helm install kodkod deploy/chart -n kodkod-system")
        return
    for name in (SYSTEM, INSPECTORS):
        level = ((present.get(name) or {}).get("metadata") or {}).get("labels", {}).get(ENFORCE)
        label = f"kubectl label --overwrite namespace {name} {ENFORCE}=privileged"
        if name not in present:
            yield problem("rights", f"there is no namespace {name}", "helm upgrade kodkod deploy/chart")
        elif level is None:
            yield note("rights", f"namespace {name} has the cluster's default Pod Security level", label)
        elif level != "privileged":
            yield problem(
                "rights", f"namespace {name} enforces {level}, so pods on the node's network are refused", label
            )
        else:
            yield ok("rights", f"namespace {name} lets pods on the node's network")


def deployment_findings(deployments: list[Object], pods: list[Object]) -> Iterator[Finding]:
    present = {one["metadata"]["name"]: one for one in deployments}
    for name in DEPLOYMENTS:
        check = name.removeprefix("kodkod-")
        if name not in present:
            yield problem(
                check, f"there is no Deployment {SYSTEM}/{name}", "helm upgrade --install kodkod deploy/chart"
            )
            continue
        wanted = int((present[name].get("spec") or {}).get("replicas") or 0)
        ready = int((present[name].get("status") or {}).get("readyReplicas") or 0)
        says = f"{ready} of {wanted} ready"
        if ready == wanted:
            yield ok(check, says)
        elif ready:
            yield note(check, f"{says}{trouble(pods, name)}")
        else:
            yield problem(check, f"{says}{trouble(pods, name)}", cure(pods, name, SYSTEM))


def inspector_findings(inspections: list[Object], daemonsets: list[Object], pods: list[Object]) -> Iterator[Finding]:
    """The inspector is there while anything is to be inspected, and only then."""
    if inspections:
        yield from daemon_findings("inspector", (INSPECTORS, "tigera-dpi"), daemonsets, pods)
    else:
        yield ok("inspector", "none, and there is no DeepPacketInspection")


def daemon_findings(
    check: str, name: tuple[str, str], daemonsets: list[Object], pods: list[Object]
) -> Iterator[Finding]:
    found = [one for one in daemonsets if (one["metadata"]["namespace"], one["metadata"]["name"]) == name]
    if not found:
        yield problem(check, f"there is no DaemonSet {'/'.join(name)}", "look at the server's log, or helm upgrade")
        return
    status = found[0].get("status") or {}
    wanted, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberReady") or 0)
    says = f"ready on {ready} of {wanted} nodes"
    if ready == wanted:
        yield ok(check, says)
    else:
        yield problem(check, f"{says}{trouble(pods, name[1])}", cure(pods, name[1], name[0]))


def trouble(pods: list[Object], app: str) -> str:
    """What the first pod that is not ready waits for, in one clause."""
    for pod in pods_of(pods, app):
        where = (pod.get("spec") or {}).get("nodeName") or "no node"
        for condition in (pod.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
                return f"; {pod['metadata']['name']} is not scheduled: {condition.get('message', '')}"
        if reason := waiting(pod):
            return f"; {pod['metadata']['name']} on {where}: {reason}"
    return ""


def waiting(pod: Object) -> str:
    for container in (pod.get("status") or {}).get("containerStatuses") or []:
        if container.get("ready"):
            continue
        ended = (container.get("lastState") or {}).get("terminated") or {}
        reason = ((container.get("state") or {}).get("waiting") or {}).get("reason") or "not ready"
        return f"{reason}{ending(ended)}"
    return ""


def ending(ended: Object) -> str:
    return f", ended before: {ended.get('reason')} ({ended.get('exitCode')})" if ended else ""


def cure(pods: list[Object], app: str, namespace: str) -> str:
    for pod in pods_of(pods, app):
        if not (pod.get("spec") or {}).get("nodeName"):
            return (
                f"kubectl -n {namespace} describe pod {pod['metadata']['name']}: its events say which node lacks what"
            )
        reason = waiting(pod)
        if reason.split(",")[0] in IMAGE_FAULTS:
            return "image.repository and image.tag name an image that this node cannot fetch"
        if "OOMKilled" in reason:
            return (
                "give it more memory (resources.limits.memory; the inspector's is IntrusionDetection tigera-secure's)"
            )
        return f"kubectl -n {namespace} describe pod {pod['metadata']['name']}, and its logs --previous"
    return f"kubectl -n {namespace} get events: no pod is there"


def pods_of(pods: list[Object], app: str) -> list[Object]:
    """Pods of one workload that are not ready."""
    return [
        pod
        for pod in pods
        if (pod["metadata"].get("labels") or {}).get("k8s-app") == app
        and not all(one.get("ready") for one in (pod.get("status") or {}).get("containerStatuses") or [{}])
    ]


def claim_findings(claims: list[Object]) -> Iterator[Finding]:
    for claim in claims:
        name, phase = claim["metadata"]["name"], (claim.get("status") or {}).get("phase")
        if phase == "Bound":
            yield ok("stores", f"volume {name} is bound")
        else:
            yield problem(
                "stores", f"volume {name} is {phase}: the server waits for it",
                "name a storage class (server.persistence.storageClass), or server.persistence.enabled=false",
            )  # fmt: skip
    if not claims:
        yield note("stores", "the server has no volume of its own making: logs may be lost with its pod")
