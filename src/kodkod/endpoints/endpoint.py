"""What is an endpoint? A workload's network attachment: one interface, its addresses, its labels, its namespace.

Objects of the API come in as plain dicts; what leaves is a frozen value that cannot be half right. Labels are merged
as policy selectors see them: the pod's own, then what the platform adds (set after the copy, so that a pod cannot
forge them), then those inherited from its namespace (`pcns.`) and its service account (`pcsa.`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kodkod.endpoints import names
from kodkod.endpoints.links import Interface, LinkTable

INTERFACE_ANNOTATION = "kodkod.dev/interface"
NETNS_LABEL = "kodkod.dev/netns"
FINISHED = ("Failed", "Succeeded")
NO_LINKS = LinkTable()
_SERVICE_ACCOUNT_LABEL_MAX = 63  # longer names do not fit a label value, so the platform leaves the label out


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One interface of one workload.

    id: stable while the workload and its interface stay the same thing; a pod made again under its name is another.
    uid: the pod's; empty for endpoints that are no pods.
    link: the kernel's index of the interface, where it is the host's and is there.
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
    uid: str = ""
    link: int | None = None

    @property
    def id(self) -> str:
        return f"{self.namespace}/{self.workload}/{self.uid}/{self.netns or ''}:{self.interface}"

    @property
    def name_aggr(self) -> str:
        """Name shared by the replicas of one owner: the generate name with `*`, or the bare workload's own name."""
        return f"{self.generate_name}*" if self.generate_name else self.workload

    @property
    def is_ready(self) -> bool:
        """Has an address, or is an interface that needs none: a static endpoint, a pod's second network."""
        return bool(self.ips) or self.link is not None or self.labels.get("projectcalico.org/orchestrator") != "k8s"

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
    links: LinkTable = NO_LINKS,
    trusts_annotation: bool = True,
    interface_prefix: str = "cali",
) -> list[Endpoint]:
    """The endpoints of a pod, one an interface; [] where it has none.

    None: host-networked, not scheduled yet, or finished (phase Failed, Succeeded). A pod without an address is an
    endpoint that is not ready. A terminating pod that still has its address stays an endpoint.

    trusts_annotation: whether `kodkod.dev/interface` may name any interface of the host. Whoever may make a pod writes
    its annotations, so in a cluster the kernel's evidence comes first, and without it only a pair's end is believed.
    Where nothing tells, the interface is the one that Calico would have made.
    """
    status = pod.get("status") or {}
    if not has_network(pod) or status.get("phase") in FINISHED:
        return []
    made = _pod_endpoint(pod, namespace_labels, service_account_labels)
    annotation = ((pod.get("metadata") or {}).get("annotations") or {}).get(INTERFACE_ANNOTATION) or ""
    if annotation and trusts_annotation:
        return [replace(made, interface=annotation, link=links.index(annotation))]
    found = links.of_pod(made.ips)
    if found:
        return [_on(made, interface, is_only=len(found) == 1) for interface in found]
    if annotation and links.is_free(annotation):
        return [replace(made, interface=annotation, link=links.index(annotation))]
    computed = names.interface_name(made.namespace, made.workload, interface_prefix)
    return [replace(made, interface=computed, link=links.index(computed) if made.ips else None)]


def from_finished_pod(
    pod: Mapping[str, Any], *, namespace_labels: Mapping[str, str], service_account_labels: Mapping[str, str]
) -> Endpoint | None:
    """What a finished pod was: its addresses without an interface, for what was seen of it; None where it had none."""
    if not has_network(pod) or (pod.get("status") or {}).get("phase") not in FINISHED:
        return None
    made = _pod_endpoint(pod, namespace_labels, service_account_labels)
    return made if made.ips else None


def has_network(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is on a node and does not simply use that node's network."""
    spec = pod.get("spec") or {}
    return bool(spec.get("nodeName")) and not spec.get("hostNetwork")


def _pod_endpoint(
    pod: Mapping[str, Any], namespace_labels: Mapping[str, str], service_account_labels: Mapping[str, str]
) -> Endpoint:
    metadata, spec, status = pod.get("metadata") or {}, pod.get("spec") or {}, pod.get("status") or {}
    namespace, account = metadata.get("namespace", "default"), spec.get("serviceAccountName") or ""
    own = {str(k): str(v) for k, v in (metadata.get("labels") or {}).items()}
    return Endpoint(
        namespace=namespace,
        workload=metadata["name"],
        node=spec["nodeName"],
        interface="",
        ips=pod_ips(status),
        labels=merged_labels(own, namespace, account, namespace_labels, service_account_labels, orchestrator="k8s"),
        own_labels=own,
        service_account=account,
        generate_name=metadata.get("generateName") or "",
        uid=str(metadata.get("uid") or ""),
    )


def _on(pod: Endpoint, interface: Interface, *, is_only: bool) -> Endpoint:
    """The pod's addresses belong to the interface that carries one of them; others have their own, or none."""
    ips = pod.ips if is_only or set(interface.ips) & set(pod.ips) else interface.ips
    return replace(pod, interface=interface.name, link=interface.index, ips=ips)


def from_workload_endpoint(
    obj: Mapping[str, Any],
    *,
    namespace_labels: Mapping[str, str],
    service_account_labels: Mapping[str, str],
    links: LinkTable = NO_LINKS,
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
    netns = spec.get("networkNamespace") or None
    return Endpoint(
        namespace=namespace,
        workload=spec.get("workload") or metadata["name"],
        node=node,
        interface=interface,
        netns=netns,
        link=links.index(interface) if netns is None else None,
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


def pod_ips(status: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses in a pod's status."""
    listed = tuple(entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip"))
    if listed:
        return listed
    return (status["podIP"],) if status.get("podIP") else ()
