"""Which endpoints are there? The cluster's objects, turned into one index.

Three sources: pods, static WorkloadEndpoints, and named network namespaces of the host. The last belong to whichever
namespace of the API claims them with the annotation `kodkod.dev/named-netns: "web-*,db"` (shell patterns): a namespace
of the kernel carries no owner of its own, and a capture must record endpoints of its own namespace only, so an
administrator says whose they are.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kodkod.endpoints.endpoint import Endpoint, from_named_netns, from_pod, from_workload_endpoint
from kodkod.endpoints.index import Index

NETNS_ANNOTATION = "kodkod.dev/named-netns"
NETNS_DIRECTORY = "/run/netns"

Object = Mapping[str, Any]


def discover(
    *,
    pods: Iterable[Object],
    namespaces: Iterable[Object],
    service_accounts: Iterable[Object],
    workload_endpoints: Iterable[Object] = (),
    named_netns: Iterable[str] = (),
    node: str = "",
    interface_prefix: str = "cali",
) -> Index:
    """All endpoints of the cluster. named_netns are those of `node`, whose kernel we can ask."""
    namespaces = list(namespaces)
    labels = {one["metadata"]["name"]: _labels(one) for one in namespaces}
    accounts = {(one["metadata"]["namespace"], one["metadata"]["name"]): _labels(one) for one in service_accounts}
    found: list[Endpoint | None] = []
    for pod in pods:
        namespace = pod["metadata"].get("namespace", "default")
        account = (pod.get("spec") or {}).get("serviceAccountName") or ""
        found.append(
            from_pod(
                pod,
                namespace_labels=labels.get(namespace, {}),
                service_account_labels=accounts.get((namespace, account), {}),
                interface_prefix=interface_prefix,
            )
        )
    for obj in workload_endpoints:
        namespace = obj["metadata"].get("namespace", "default")
        account = (obj.get("spec") or {}).get("serviceAccount") or ""
        found.append(
            from_workload_endpoint(
                obj,
                namespace_labels=labels.get(namespace, {}),
                service_account_labels=accounts.get((namespace, account), {}),
            )
        )
    found += _claimed(namespaces, list(named_netns), labels, node)
    return Index(endpoint for endpoint in found if endpoint is not None)


def named_netns(directory: str = NETNS_DIRECTORY) -> list[str]:
    """Named network namespaces of this host, sorted."""
    try:
        return sorted(entry.name for entry in Path(directory).iterdir())
    except OSError:
        return []


def _claimed(
    namespaces: Iterable[Object], netns: list[str], labels: Mapping[str, Mapping[str, str]], node: str
) -> list[Endpoint]:
    claims = []
    for obj in namespaces:
        name = obj["metadata"]["name"]
        patterns = (obj["metadata"].get("annotations") or {}).get(NETNS_ANNOTATION, "")
        for pattern in filter(None, (part.strip() for part in patterns.split(","))):
            claims += [
                from_named_netns(one, namespace=name, node=node, namespace_labels=labels[name])
                for one in fnmatch.filter(netns, pattern)
            ]
    return list({claim.id: claim for claim in claims}.values())


def _labels(obj: Object) -> dict[str, str]:
    return {str(key): str(value) for key, value in (obj["metadata"].get("labels") or {}).items()}
