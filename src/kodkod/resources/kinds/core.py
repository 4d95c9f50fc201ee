"""Which kinds of Kubernetes itself does the embedded API keep? Free-form: their shape is somebody else's affair."""

from __future__ import annotations

from kodkod.resources import Object
from kodkod.resources.kinds.kind import Cell, Column, Kind

_ALL = ("all",)


def _ready(pod: Object) -> Cell:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    containers = (pod.get("spec") or {}).get("containers") or []
    return f"{sum(1 for status in statuses if status.get('ready'))}/{len(containers)}"


def _pod_state(pod: Object) -> Cell:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason"):
            return str(waiting["reason"])
    shown: Cell = status.get("reason") or status.get("phase")
    return shown


def _restarts(pod: Object) -> Cell:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return sum(int(status.get("restartCount", 0)) for status in statuses)


def _node_state(node: Object) -> Cell:
    conditions = (node.get("status") or {}).get("conditions") or []
    ready: Object = next((entry for entry in conditions if entry.get("type") == "Ready"), {})
    return "Ready" if ready.get("status") == "True" else "NotReady"


def _external(service: Object) -> Cell:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    addresses = [entry.get("ip") or entry.get("hostname") for entry in ingress]
    addresses += (service.get("spec") or {}).get("externalIPs") or []
    return ",".join(filter(None, addresses)) or "<none>"


def _ports(service: Object) -> Cell:
    shown = []
    for port in (service.get("spec") or {}).get("ports") or []:
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(shown) or "<none>"


def _event_object(event: Object) -> Cell:
    involved = event.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


def _data_count(obj: Object) -> Cell:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


def _addresses(endpoints: Object) -> Cell:
    shown = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in endpoints.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset.get("ports") or [{}]
    ]
    return ",".join(shown[:3]) + (f" + {len(shown) - 3} more..." if len(shown) > 3 else "") or "<none>"


NAMESPACE = Kind(
    group="", version="v1", kind="Namespace", plural="namespaces", singular="namespace", namespaced=False,
    short_names=("ns",), description="Namespace divides names between users and teams.",
    columns=(Column("Status", ".status.phase"),), field_selectors=("status.phase",),
)  # fmt: skip
NODE = Kind(
    group="", version="v1", kind="Node", plural="nodes", singular="node", namespaced=False, short_names=("no",),
    description="Node is a machine that runs workloads.", field_selectors=("spec.unschedulable",),
    columns=(
        Column("Status", ".status.conditions", value=_node_state),
        Column("Version", ".status.nodeInfo.kubeletVersion"),
        Column("Internal-IP", ".status.addresses[0].address", priority=1),
        Column("Kernel-Version", ".status.nodeInfo.kernelVersion", priority=1),
    ),
)  # fmt: skip
POD = Kind(
    group="", version="v1", kind="Pod", plural="pods", singular="pod", namespaced=True, short_names=("po",),
    categories=_ALL, description="Pod is a group of processes that share a network namespace.",
    field_selectors=("status.phase", "spec.nodeName", "status.podIP", "spec.serviceAccountName", "spec.restartPolicy"),
    subresources=("log", "exec"),
    columns=(
        Column("Ready", ".status.containerStatuses", value=_ready),
        Column("Status", ".status.phase", value=_pod_state),
        Column("Restarts", ".status.containerStatuses[0].restartCount", "integer", value=_restarts),
        Column("IP", ".status.podIP", priority=1),
        Column("Node", ".spec.nodeName", priority=1),
    ),
)  # fmt: skip
SERVICE = Kind(
    group="", version="v1", kind="Service", plural="services", singular="service", namespaced=True,
    short_names=("svc",), categories=_ALL, description="Service is a stable address in front of pods.",
    field_selectors=("spec.clusterIP", "spec.type"),
    columns=(
        Column("Type", ".spec.type"),
        Column("Cluster-IP", ".spec.clusterIP"),
        Column("External-IP", ".status.loadBalancer", value=_external),
        Column("Port(s)", ".spec.ports", value=_ports),
    ),
)  # fmt: skip
ENDPOINTS = Kind(
    group="", version="v1", kind="Endpoints", plural="endpoints", singular="endpoints", namespaced=True, status=False,
    short_names=("ep",), description="Endpoints are the addresses behind a Service.",
    columns=(Column("Endpoints", ".subsets", value=_addresses),),
)  # fmt: skip
EVENT = Kind(
    group="", version="v1", kind="Event", plural="events", singular="event", namespaced=True, status=False,
    short_names=("ev",), description="Event tells what happened to an object.",
    field_selectors=(
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "type",
        "source", "reportingComponent",
    ),
    columns=(
        Column("Last Seen", ".lastTimestamp", "date"),
        Column("Type", ".type"),
        Column("Reason", ".reason"),
        Column("Object", ".involvedObject", value=_event_object),
        Column("Message", ".message"),
        Column("Count", ".count", "integer", 1),
    ),
)  # fmt: skip
CONFIG_MAP = Kind(
    group="", version="v1", kind="ConfigMap", plural="configmaps", singular="configmap", namespaced=True, status=False,
    short_names=("cm",), description="ConfigMap holds settings.",
    columns=(Column("Data", ".data", "integer", value=_data_count),),
)  # fmt: skip
SECRET = Kind(
    group="", version="v1", kind="Secret", plural="secrets", singular="secret", namespaced=True, status=False,
    description="Secret holds what few may read.", field_selectors=("type",),
    columns=(Column("Type", ".type"), Column("Data", ".data", "integer", value=_data_count)),
)  # fmt: skip
SERVICE_ACCOUNT = Kind(
    group="", version="v1", kind="ServiceAccount", plural="serviceaccounts", singular="serviceaccount",
    namespaced=True, status=False, short_names=("sa",), description="ServiceAccount is an identity for workloads.",
)  # fmt: skip
LEASE = Kind(
    group="coordination.k8s.io", version="v1", kind="Lease", plural="leases", singular="lease", namespaced=True,
    status=False, description="Lease says who does a job that only one may do.",
    columns=(Column("Holder", ".spec.holderIdentity"),),
)  # fmt: skip
