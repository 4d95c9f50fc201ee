"""What is an endpoint? A workload's network attachment: one interface, its addresses, its labels, its namespace.

Objects of the API come in as plain dicts; what leaves is a frozen value that cannot be half right. Labels are merged
as policy selectors see them: the pod's own, then what the platform adds (set after the copy, so that a pod cannot
forge them), then those inherited from its namespace (`pcns.`) and its service account (`pcsa.`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kodkod.endpoints import names

INTERFACE_ANNOTATION = "kodkod.dev/interface"
NETNS_LABEL = "kodkod.dev/netns"
_SERVICE_ACCOUNT_LABEL_MAX = 63  # longer names do not fit a label value, so the platform leaves the label out


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One interface of one workload.

    id: stable while the interface stays the same thing (`namespace/workload/interface`).
    node: where it lives; only that node's agent can attach to it.
    netns: named network namespace that `interface` is in; None is the host's.
    ips: may be empty: known, but not ready, so nothing attaches yet (`is_ready`).
    """

    namespace: str
    workload: str
    node: str
    interface: str
    netns: str | None = None
    ips: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    own_labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str = ""
    generate_name: str = ""

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.workload}/{self.netns or ''}:{self.interface}"

    @property
    def name_aggr(self) -> str:
        """Name shared by the replicas of one owner: the generate name with `*`, or the bare workload's own name."""
        return f"{self.generate_name}*" if self.generate_name else self.workload

    @property
    def is_ready(self) -> bool:
        """Has an address, or is a static endpoint of an interface that needs none."""
        return bool(self.ips) or self.labels.get("projectcalico.org/orchestrator") != "k8s"

    @property
    def file_stem(self) -> str:
        """Name of its capture files without `.pcap`. The product uses the pod's name for the workload.

        Interfaces inside named namespaces repeat (`eth0`), so there the namespace keeps the names apart.
        """
        if self.netns and self.netns != self.workload:
            return f"{self.workload}_{self.netns}_{self.interface}"
        return f"{self.workload}_{self.interface}"


def from_pod(
    pod: Mapping[str, Any],
    *,
    namespace_labels: Mapping[str, str],
    service_account_labels: Mapping[str, str],
    interface_prefix: str = "cali",
) -> Endpoint | None:
    """The endpoint of a pod, or None where it has none.

    None: host-networked, not scheduled yet, or finished (phase Failed, Succeeded). A pod without an address is an
    endpoint that is not ready. A terminating pod that still has its address stays an endpoint.
    """
    metadata, spec, status = pod.get("metadata") or {}, pod.get("spec") or {}, pod.get("status") or {}
    if spec.get("hostNetwork") or not spec.get("nodeName") or status.get("phase") in ("Failed", "Succeeded"):
        return None
    namespace, workload = metadata.get("namespace", "default"), metadata["name"]
    own = {str(k): str(v) for k, v in (metadata.get("labels") or {}).items()}
    account = spec.get("serviceAccountName") or ""
    interface = (metadata.get("annotations") or {}).get(INTERFACE_ANNOTATION)
    return Endpoint(
        namespace=namespace,
        workload=workload,
        node=spec["nodeName"],
        interface=interface or names.interface_name(namespace, workload, interface_prefix),
        ips=_pod_ips(status),
        labels=merged_labels(own, namespace, account, namespace_labels, service_account_labels, orchestrator="k8s"),
        own_labels=own,
        service_account=account,
        generate_name=metadata.get("generateName") or "",
    )


def from_workload_endpoint(
    obj: Mapping[str, Any],
    *,
    namespace_labels: Mapping[str, str],
    service_account_labels: Mapping[str, str],
) -> Endpoint | None:
    """The endpoint of a static WorkloadEndpoint (kodkod.dev): a plain interface of a host, given labels by hand.

    None where node or interface is missing, which only a store without admission can hold.
    """
    metadata, spec = obj.get("metadata") or {}, obj.get("spec") or {}
    interface, node, account = spec.get("interface"), spec.get("node"), spec.get("serviceAccount") or ""
    if not interface or not node:
        return None
    namespace = metadata.get("namespace", "default")
    own = {str(k): str(v) for k, v in (metadata.get("labels") or {}).items()}
    return Endpoint(
        namespace=namespace,
        workload=spec.get("workload") or metadata["name"],
        node=node,
        interface=interface,
        netns=spec.get("networkNamespace") or None,
        ips=tuple(spec.get("addresses") or ()),
        labels=merged_labels(own, namespace, account, namespace_labels, service_account_labels, orchestrator="host"),
        own_labels=own,
        service_account=account,
    )


def from_named_netns(netns: str, *, namespace: str, node: str, namespace_labels: Mapping[str, str]) -> Endpoint:
    """The endpoint of a named network namespace that a namespace of the API claims: its `eth0`."""
    own = {NETNS_LABEL: netns}
    return Endpoint(
        namespace=namespace,
        workload=netns,
        node=node,
        interface="eth0",
        netns=netns,
        labels=merged_labels(own, namespace, "", namespace_labels, {}, orchestrator="netns"),
        own_labels=own,
    )


def merged_labels(
    own: Mapping[str, str],
    namespace: str,
    service_account: str,
    namespace_labels: Mapping[str, str],
    service_account_labels: Mapping[str, str],
    *,
    orchestrator: str,
) -> dict[str, str]:
    """All labels a selector sees. Platform labels win over the workload's own of the same name."""
    labels = dict(own)
    labels["projectcalico.org/namespace"] = namespace
    labels["projectcalico.org/orchestrator"] = orchestrator
    labels.pop("projectcalico.org/serviceaccount", None)
    if 0 < len(service_account) < _SERVICE_ACCOUNT_LABEL_MAX:
        labels["projectcalico.org/serviceaccount"] = service_account
    labels.update({f"pcns.{key}": value for key, value in namespace_labels.items()})
    labels["pcns.projectcalico.org/name"] = namespace
    if service_account:
        labels.update({f"pcsa.{key}": value for key, value in service_account_labels.items()})
        labels["pcsa.projectcalico.org/name"] = service_account
    return labels


def _pod_ips(status: Mapping[str, Any]) -> tuple[str, ...]:
    listed = tuple(entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip"))
    if listed:
        return listed
    return (status["podIP"],) if status.get("podIP") else ()
