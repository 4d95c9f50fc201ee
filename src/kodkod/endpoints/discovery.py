"""Which endpoints are there? The cluster's objects, turned into one index.

Three sources: pods, static WorkloadEndpoints, and named network namespaces of the host. The last belong to whichever
namespace of the API claims them with the annotation `kodkod.dev/named-netns: "web-*,db"` (shell patterns): a namespace
of the kernel carries no owner of its own, and a capture must record endpoints of its own namespace only, so an
administrator says whose they are.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kodkod.endpoints.endpoint import (
    NO_LINKS,
    Endpoint,
    from_finished_pod,
    from_named_netns,
    from_pod,
    from_workload_endpoint,
)
from kodkod.endpoints.links import LinkTable

NETNS_ANNOTATION = "kodkod.dev/named-netns"
NETNS_DIRECTORY = "/run/netns"

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """endpoints: those that are. finished: what pods were that have ended, if they ended after `since`."""

    endpoints: tuple[Endpoint, ...]
    finished: tuple[Endpoint, ...] = ()


def discover(
    *,
    pods: Iterable[Object],
    namespaces: Iterable[Object],
    service_accounts: Iterable[Object],
    workload_endpoints: Iterable[Object] = (),
    named_netns: Iterable[str] = (),
    links: LinkTable = NO_LINKS,
    node: str = "",
    trusts_annotations: bool = True,
    interface_prefix: str = "cali",
    since: datetime | None = None,
) -> Found:
    """All endpoints of the objects given. named_netns and links are those of `node`, whose kernel we can ask."""
    namespaces = list(namespaces)
    labels = {one["metadata"]["name"]: _labels(one) for one in namespaces}
    accounts = {(one["metadata"]["namespace"], one["metadata"]["name"]): _labels(one) for one in service_accounts}

    def inherited(obj: Object, account: str) -> dict[str, Mapping[str, str]]:
        namespace = obj["metadata"].get("namespace", "default")
        return {
            "namespace_labels": labels.get(namespace, {}),
            "service_account_labels": accounts.get((namespace, account), {}),
        }

    found: list[Endpoint] = []
    finished: list[Endpoint | None] = []
    for pod in pods:
        inheriting = inherited(pod, (pod.get("spec") or {}).get("serviceAccountName") or "")
        here = links if (pod.get("spec") or {}).get("nodeName") == node else NO_LINKS
        found += from_pod(
            pod, **inheriting, links=here, trusts_annotation=trusts_annotations, interface_prefix=interface_prefix
        )
        if since is not None and ended_after(pod, since):
            finished.append(from_finished_pod(pod, **inheriting))
    for obj in workload_endpoints:
        inheriting = inherited(obj, (obj.get("spec") or {}).get("serviceAccount") or "")
        here = links if (obj.get("spec") or {}).get("node") == node else NO_LINKS
        static = from_workload_endpoint(obj, **inheriting, links=here)
        found += [static] if static is not None else []
    found += _claimed(namespaces, list(named_netns), labels, node)
    return Found(tuple(found), tuple(one for one in finished if one is not None))


def ended_after(pod: Object, moment: datetime) -> bool:
    """Whether a finished pod's last container ended later than that; False for one that does not say."""
    states = [one.get("state") or {} for one in (pod.get("status") or {}).get("containerStatuses") or ()]
    times = [at for state in states if (at := (state.get("terminated") or {}).get("finishedAt"))]
    return bool(times) and datetime.fromisoformat(max(times)) > moment


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
