"""Which roles are there from the start? The usual ClusterRoles of Kubernetes, and those of our own identities.

`view`, `edit` and `admin` are aggregated, as in a cluster: a role with the right label joins them. Reading packets
(`packetcaptures/files`) and running commands (`pods/exec`) are rights of their own; `view` has neither.
"""

from __future__ import annotations

from typing import Any

from kodkod.access.callers import GROUP_ADMINS, GROUP_AUTHENTICATED, GROUP_NODES, GROUP_VIEWERS
from kodkod.resources import Object

API = "rbac.authorization.k8s.io"
OURS = ["projectcalico.org", "crd.projectcalico.org", "kodkod.dev"]
OPERATOR = "operator.tigera.io"
READ = ["get", "list", "watch"]
WRITE = ["create", "update", "patch", "delete", "deletecollection"]
CORE_READ = [
    "namespaces",
    "nodes",
    "pods",
    "pods/log",
    "services",
    "endpoints",
    "events",
    "serviceaccounts",
    "configmaps",
]
WORKLOADS = ["packetcaptures", "deeppacketinspections", "networksets", "workloadendpoints"]
CLUSTER = [
    "globalalerts", "globalalerttemplates", "alertexceptions", "securityeventwebhooks", "globalthreatfeeds",
    "clusterinformations", "felixconfigurations", "globalnetworksets", "rulesets", "nodereports", "networksets",
]  # fmt: skip
REVIEWS = [
    ("authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
    ("authentication.k8s.io", ["selfsubjectreviews"]),
]


def rule(groups: list[str], resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def paths(*urls: str) -> dict[str, Any]:
    return {"nonResourceURLs": list(urls), "verbs": ["get"]}


def role(name: str, *rules: dict[str, Any], joins: str = "", gathers: str = "") -> Object:
    """joins: the aggregated role that this one becomes part of. gathers: makes this one aggregated, of that name."""
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    made: Object = {"apiVersion": f"{API}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    if joins:
        made["metadata"]["labels"] = {prefix + joins: "true"}
    if gathers:
        made["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {prefix + gathers: "true"}}]}
    return made


def binding(name: str, to: str, *, user: str = "", group: str = "") -> Object:
    subject = {"kind": "User" if user else "Group", "name": user or group, "apiGroup": API}
    return {
        "apiVersion": f"{API}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": API, "kind": "ClusterRole", "name": to},
        "subjects": [subject],
    }


def roles() -> list[Object]:
    """Every ClusterRole that must exist."""
    see_workloads = rule(OURS, WORKLOADS, READ)
    see_cluster = rule(
        [*OURS, OPERATOR], [*CLUSTER, "intrusiondetections", "packetcaptureapis", "applicationlayers"], READ
    )
    see_facts = rule(["kodkod.dev"], ["events", "logs"], ["get"])
    return [
        role("view", gathers="view"),
        role("edit", gathers="edit"),
        role("admin", gathers="admin"),
        role("kodkod-view", see_workloads, see_facts, rule([""], CORE_READ, READ), joins="view"),
        role(
            "kodkod-edit",
            see_workloads,
            see_facts,
            rule([""], CORE_READ, READ),
            rule(OURS, WORKLOADS, WRITE),
            joins="edit",
        ),
        role(
            "kodkod-admin",
            see_workloads,
            see_facts,
            rule([""], CORE_READ, READ),
            rule(OURS, WORKLOADS, WRITE),
            rule(OURS, ["packetcaptures/files"], ["get", "delete"]),
            rule([API], ["roles", "rolebindings"], ["*"]),
            joins="admin",
        ),
        role(
            "system:kodkod:administrator",
            rule([*OURS, OPERATOR], ["*", *WORKLOADS, *CLUSTER], ["*"]),  # named, so that `can-i --list` shows them
            rule([API], ["*"], ["*"]),
            rule(["", "coordination.k8s.io"], ["*"], READ),
            rule([""], ["pods/exec", "pods/log"], ["create", "get"]),
            rule(["authorization.k8s.io", "authentication.k8s.io"], ["*"], ["create"]),
            rule(["kodkod.dev"], ["events", "logs"], ["*"]),
            paths("*"),
        ),
        role(
            "system:kodkod:viewer",
            see_workloads,
            see_cluster,
            see_facts,
            rule([""], CORE_READ, READ),
            paths("*"),
        ),
        role(
            "system:kodkod:server",
            rule(["*"], ["*"], ["*"]),
            paths("*"),
        ),
        role(
            "system:kodkod:node",
            rule([*OURS, OPERATOR, ""], ["*"], READ),
            rule(["kodkod.dev"], ["nodereports", "nodereports/status"], ["create", "update", "patch"]),
            rule(["kodkod.dev"], ["ingest"], ["create"]),
            rule([""], ["events", "nodes", "nodes/status"], ["create", "update", "patch"]),
            rule([""], ["namespaces"], ["create", "delete"]),
        ),
        role("system:kodkod:lab", rule([""], ["*"], ["*"])),
        role(
            "system:discovery",
            paths("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/"),
        ),
        role("system:basic-user", *(rule([group], plurals, ["create"]) for group, plurals in REVIEWS)),
    ]


def bindings() -> list[Object]:
    """Every ClusterRoleBinding that must exist."""
    return [
        binding("system:kodkod:administrators", "system:kodkod:administrator", group=GROUP_ADMINS),
        binding("system:kodkod:viewers", "system:kodkod:viewer", group=GROUP_VIEWERS),
        binding("system:kodkod:server", "system:kodkod:server", user="system:kodkod:server"),
        binding("system:kodkod:nodes", "system:kodkod:node", group=GROUP_NODES),
        binding("system:kodkod:lab", "system:kodkod:lab", user="system:kodkod:lab"),
        binding("system:discovery", "system:discovery", group=GROUP_AUTHENTICATED),
        binding("system:basic-user", "system:basic-user", group=GROUP_AUTHENTICATED),
    ]
