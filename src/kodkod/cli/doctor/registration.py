"""Is the API registered, by whom, and does a dead registration block the cluster?

An APIService whose server is gone makes discovery fail, and then no namespace of the whole cluster can be deleted: that
is the first thing to mend, whoever's it is. Source: Kubernetes, namespace controller and kube-aggregator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kodkod.cli.doctor.findings import Finding, note, ok, problem
from kodkod.resources import Object
from kodkod.resources.crds import Origin, definitions

PUBLIC = "v3.projectcalico.org"
FILES = "v1.data.kodkod.dev"
AUTOMATIC = "kube-aggregator.kubernetes.io/automanaged"
FACE = "kodkod-face"
RESTART_FACE = "kubectl -n kodkod-system get pods -l k8s-app=kodkod-face, and their logs"


def findings(
    services: list[Object], crds: list[Object], namespaces: list[Object], deployments: list[Object]
) -> Iterator[Finding]:
    yield from dead_findings(services, stuck(namespaces))
    mode = mode_of(deployments)
    yield from public_finding(by_name(services).get(PUBLIC), mode)
    yield from definition_findings(crds, mode)


def stuck(namespaces: list[Object]) -> list[str]:
    """Namespaces that somebody deleted and that are still there."""
    return [one["metadata"]["name"] for one in namespaces if one["metadata"].get("deletionTimestamp")]


def dead_findings(services: list[Object], terminating: list[str]) -> Iterator[Finding]:
    dead = [service for service in services if not is_available(service)]
    for service in dead:
        name, reason, says = service["metadata"]["name"], *why(service)
        blocks = "no namespace can be deleted while it is so"
        if terminating:
            blocks = f"it keeps {', '.join(terminating[:5])} in Terminating"
        yield problem("api", f"APIService {name} is dead ({reason}: {says}); {blocks}", cure_of(service))
    if not dead and terminating:
        yield note(
            "api", f"Terminating: {', '.join(terminating[:5])}; every API answers, so their finalizers hold them"
        )


def is_available(service: Object) -> bool:
    return any(
        condition.get("type") == "Available" and condition.get("status") == "True"
        for condition in (service.get("status") or {}).get("conditions") or []
    )


def why(service: Object) -> tuple[str, str]:
    for condition in (service.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Available":
            return condition.get("reason", "unknown"), str(condition.get("message", "")).partition("\n")[0]
    return "NotChecked", "the API server has not looked at it yet"


def cure_of(service: Object) -> str:
    name = service["metadata"]["name"]
    if is_ours(service):
        if not service["spec"].get("caBundle"):
            return f"wait for the face, which fills in caBundle; else {RESTART_FACE}"
        return f"{RESTART_FACE}; one ready replica is enough. Is Kodkod gone for good: kubectl delete apiservice {name}"
    return f"start what serves it, or, is it gone for good: kubectl delete apiservice {name}"


def is_ours(service: Object) -> bool:
    target = service["spec"].get("service") or {}
    return bool(target.get("name") == FACE and target.get("namespace") == "kodkod-system")


def public_finding(service: Object | None, mode: str) -> Iterator[Finding]:
    """Who serves projectcalico.org/v3, and is that what was chosen at the installation?"""
    if service is None:
        if mode == "aggregated":
            yield problem("api", "projectcalico.org/v3 is not registered", "helm upgrade kodkod deploy/chart")
        elif mode:
            yield note("api", "projectcalico.org/v3 is served by nobody", "install anew with --set api.mode=aggregated")
        return
    target = service["spec"].get("service") or {}
    place = f"{target.get('namespace')}/{target.get('name')}"
    is_automatic = AUTOMATIC in (service["metadata"].get("labels") or {})
    if is_ours(service):
        yield ok("api", "projectcalico.org/v3 is registered for our face")
    elif is_automatic and mode in ("v3-crds", ""):
        yield ok("api", "projectcalico.org/v3 is served from CRDs")
    elif is_automatic:
        yield problem(
            "api", f"projectcalico.org/v3 is served from CRDs, but Kodkod was installed with api.mode={mode}",
            "install anew with --set api.mode=v3-crds",
        )  # fmt: skip
    elif mode == "crd-only":
        yield note(
            "api", f"projectcalico.org/v3 belongs to {place}: our kinds are crd.projectcalico.org/v1, "
            "selectors and queries are checked after writing, and files are at data.kodkod.dev/v1",
        )  # fmt: skip
    else:
        yield problem(
            "api", f"projectcalico.org/v3 belongs to {place}, so our kinds are not to be seen in it",
            "install anew with --set api.mode=crd-only",
        )  # fmt: skip


def definition_findings(crds: list[Object], mode: str) -> Iterator[Finding]:
    """Are all definitions there that this way of serving needs, and taken?"""
    present = by_name(crds)
    public = {Origin.PUBLIC, Origin.PUBLIC_CALICO}
    wanted = [
        one.name
        for one in definitions()
        if (one.origin in public) == (mode == "v3-crds")
        or (one.origin is Origin.OURS and not one.name.endswith(".crd.projectcalico.org"))
    ]
    missing = [name for name in wanted if name not in present]
    refused = [name for name in wanted if name in present and not is_established(present[name])]
    if missing:
        yield problem(
            "definitions", f"not there: {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}",
            "helm upgrade with --set crds.install=true",
        )  # fmt: skip
    for name in refused:
        yield problem("definitions", f"{name} is not established", f"kubectl describe crd {name}")
    if not missing and not refused:
        yield ok("definitions", f"{len(wanted)} are established")


def is_established(crd: Object) -> bool:
    return any(
        condition.get("type") == "Established" and condition.get("status") == "True"
        for condition in (crd.get("status") or {}).get("conditions") or []
    )


def mode_of(deployments: list[Object]) -> str:
    """api.mode as it was installed; empty where the server is not there."""
    for deployment in deployments:
        if deployment["metadata"]["name"] == "kodkod-server":
            container: dict[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
            for entry in container.get("env") or []:
                if entry["name"] == "KODKOD_API_MODE":
                    return str(entry.get("value", ""))
    return ""


def by_name(objects: list[Object]) -> dict[str, Object]:
    return {obj["metadata"]["name"]: obj for obj in objects}
