"""Which kinds are there? One table; CRDs, OpenAPI, discovery and printed columns are made from it.

The order is that of discovery: `projectcalico.org` comes before `crd.projectcalico.org`, so that
`kubectl get packetcaptures` means the public group.
"""

from __future__ import annotations

from kodkod.resources.kinds import (
    alert_exception,
    cluster_information,
    core,
    deep_packet_inspection,
    felix_configuration,
    global_alert,
    global_threat_feed,
    network_set,
    node_report,
    operator,
    packet_capture,
    rbac,
    rule_set,
    security_event_webhook,
    workload_endpoint,
)
from kodkod.resources.kinds.kind import ALL_VERBS, Check, Column, GroupVersion, Kind

PACKET_CAPTURE = packet_capture.KIND
DEEP_PACKET_INSPECTION = deep_packet_inspection.KIND
GLOBAL_ALERT = global_alert.KIND
GLOBAL_ALERT_TEMPLATE = global_alert.TEMPLATE
ALERT_EXCEPTION = alert_exception.KIND
SECURITY_EVENT_WEBHOOK = security_event_webhook.KIND
GLOBAL_THREAT_FEED = global_threat_feed.KIND
CLUSTER_INFORMATION = cluster_information.KIND
FELIX_CONFIGURATION = felix_configuration.KIND
GLOBAL_NETWORK_SET = network_set.GLOBAL
NETWORK_SET = network_set.NAMESPACED
INTRUSION_DETECTION = operator.INTRUSION_DETECTION
PACKET_CAPTURE_API = operator.PACKET_CAPTURE_API
APPLICATION_LAYER = operator.APPLICATION_LAYER
RULE_SET = rule_set.KIND
WORKLOAD_ENDPOINT = workload_endpoint.KIND
NODE_REPORT = node_report.KIND
NAMESPACE = core.NAMESPACE
NODE = core.NODE
POD = core.POD
SERVICE = core.SERVICE
ENDPOINTS = core.ENDPOINTS
EVENT = core.EVENT
CONFIG_MAP = core.CONFIG_MAP
SECRET = core.SECRET
SERVICE_ACCOUNT = core.SERVICE_ACCOUNT
LEASE = core.LEASE
ROLE = rbac.ROLE
CLUSTER_ROLE = rbac.CLUSTER_ROLE
ROLE_BINDING = rbac.ROLE_BINDING
CLUSTER_ROLE_BINDING = rbac.CLUSTER_ROLE_BINDING

ALL: tuple[Kind, ...] = (
    NAMESPACE, NODE, POD, SERVICE, ENDPOINTS, EVENT, CONFIG_MAP, SECRET, SERVICE_ACCOUNT,
    PACKET_CAPTURE, DEEP_PACKET_INSPECTION, GLOBAL_ALERT, GLOBAL_ALERT_TEMPLATE, ALERT_EXCEPTION,
    SECURITY_EVENT_WEBHOOK, GLOBAL_THREAT_FEED, CLUSTER_INFORMATION, FELIX_CONFIGURATION, GLOBAL_NETWORK_SET,
    NETWORK_SET, INTRUSION_DETECTION, PACKET_CAPTURE_API, APPLICATION_LAYER, RULE_SET, WORKLOAD_ENDPOINT, NODE_REPORT,
    ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING, LEASE,
)  # fmt: skip

_BY_RESOURCE = {
    (str(group_version), kind.plural): kind for kind in ALL for group_version in (kind.group_version, *kind.also)
}
_BY_KIND = {(str(group_version), kind.kind): kind for kind in ALL for group_version in (kind.group_version, *kind.also)}


def by_resource(api_version: str, plural: str) -> Kind | None:
    """The kind served under `{api_version}/{plural}`, such as `crd.projectcalico.org/v1`, `packetcaptures`."""
    return _BY_RESOURCE.get((api_version, plural))


def by_kind(api_version: str, kind: str) -> Kind | None:
    """The kind that a manifest's `apiVersion` and `kind` name."""
    return _BY_KIND.get((api_version, kind))


def group_versions() -> tuple[GroupVersion, ...]:
    """Every group served, in the order of discovery."""
    ordered: dict[GroupVersion, None] = {}
    for kind in ALL:
        ordered.setdefault(kind.group_version)
    for kind in ALL:
        for group_version in kind.also:
            ordered.setdefault(group_version)
    return tuple(ordered)


def served(group_version: GroupVersion) -> tuple[Kind, ...]:
    """The kinds of one group."""
    return tuple(kind for kind in ALL if group_version in (kind.group_version, *kind.also))


__all__ = [
    "ALL",
    "ALL_VERBS",
    "Check",
    "Column",
    "GroupVersion",
    "Kind",
    "by_kind",
    "by_resource",
    "group_versions",
    "served",
]
