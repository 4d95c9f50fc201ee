"""How is a workload's endpoint called? Interface names, WorkloadEndpoint names.

The forms are those of `libcalico-go` (names/workloadendpoint.go, backend/k8s/conversion), so that files, status and
manifests carry the names their readers know.
"""

from __future__ import annotations

import hashlib


def interface_name(namespace: str, pod: str, prefix: str = "cali") -> str:
    """Host side of a pod's veth: the prefix and 11 hex digits of sha1(namespace.pod).

    prefix: `cali` (Calico), `eni` (Amazon VPC), `gke`, `azv` (Azure VNET). Together 15 characters at most, IFNAMSIZ.
    """
    digest = hashlib.sha1(f"{namespace}.{pod}".encode(), usedforsecurity=False).hexdigest()
    return prefix + digest[:11]


def workload_endpoint_name(node: str, pod: str, endpoint: str = "eth0") -> str:
    """`<node>-k8s-<pod>-<endpoint>`, each part with its dashes doubled."""
    return "-".join(part.replace("-", "--") for part in (node, "k8s", pod, endpoint))


def parse_workload_endpoint_name(name: str) -> tuple[str, str, str, str]:
    """Node, orchestrator, pod and endpoint of such a name. Raises ValueError unless it has exactly four parts."""
    parts, current, at = [], name[:1], 1
    while at < len(name):
        if name[at] != "-":
            current += name[at]
            at += 1
        elif name[at + 1 : at + 2] == "-":
            current += "-"
            at += 2
        else:
            parts.append(current)
            current = name[at + 1 : at + 2]
            at += 2
    parts.append(current)
    if len(parts) != 4 or not all(parts):
        raise ValueError(f"{name!r} has {len(parts)} parts, a workload endpoint's name has 4")
    return parts[0], parts[1], parts[2], parts[3]
