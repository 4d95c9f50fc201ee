"""Roles and bindings: who may do what? The same objects as in a cluster; `kodkod.access` evaluates them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause, not_supported, required
from kodkod.resources.kinds.kind import Cell, Column, Kind
from kodkod.resources.kinds.model import ATOMIC, FreeForm, Model

GROUP = "rbac.authorization.k8s.io"

Texts = Annotated[list[str], Field(json_schema_extra=ATOMIC)]


class PolicyRule(Model):
    """Verbs that are allowed on resources or paths."""

    verbs: Texts
    """Such as get, list, watch, create; * means all."""
    api_groups: Texts | None = None
    """Groups of the resources; "" is core, * means all."""
    resources: Texts | None = None
    """Resources, or resource/subresource such as packetcaptures/files; * means all."""
    resource_names: Texts | None = None
    """Only objects of these names."""
    non_resource_urls: Annotated[Texts | None, Field(alias="nonResourceURLs")] = None
    """Paths that are no resource, such as /metrics; a trailing * is a wildcard."""


Rules = Annotated[list[PolicyRule], Field(json_schema_extra=ATOMIC)]


class AggregationRule(Model):
    """Which ClusterRoles a role is made of."""

    cluster_role_selectors: Annotated[list[FreeForm] | None, Field(json_schema_extra=ATOMIC)] = None
    """Label selectors; the rules of every ClusterRole that one matches are allowed."""


class Role(Model):
    """Role allows verbs on resources of its namespace."""

    rules: Rules | None = None
    """What is allowed."""


class ClusterRole(Model):
    """ClusterRole allows verbs on resources of the cluster, or of any namespace where it is bound."""

    rules: Rules | None = None
    """What is allowed."""
    aggregation_rule: AggregationRule | None = None
    """Take the rules of other ClusterRoles instead."""


class Subject(Model):
    """Who is bound."""

    kind: Literal["User", "Group", "ServiceAccount"]
    """User, Group or ServiceAccount."""
    name: str
    """Name of the subject."""
    namespace: str | None = None
    """Namespace of a service account."""
    api_group: str | None = None
    """Group of the kind."""


class RoleReference(Model):
    """Which role is bound."""

    api_group: str | None = None
    """rbac.authorization.k8s.io."""
    kind: Literal["Role", "ClusterRole"]
    """Role or ClusterRole."""
    name: str
    """Name of the role."""


class RoleBinding(Model):
    """RoleBinding gives a role to subjects within its namespace."""

    subjects: Annotated[list[Subject] | None, Field(json_schema_extra=ATOMIC)] = None
    """Who is bound."""
    role_ref: RoleReference
    """Which role."""


class ClusterRoleBinding(Model):
    """ClusterRoleBinding gives a ClusterRole to subjects everywhere."""

    subjects: Annotated[list[Subject] | None, Field(json_schema_extra=ATOMIC)] = None
    """Who is bound."""
    role_ref: RoleReference
    """Which role."""


def _check_role(obj: Object) -> Iterator[Cause]:
    for index, rule in enumerate(obj.get("rules") or []):
        if not rule.get("verbs"):
            yield required(f"rules[{index}].verbs", "verbs must contain at least one value")
        if "nonResourceURLs" not in rule and not rule.get("resources"):
            yield required(f"rules[{index}].resources", "resource rules must supply at least one resource")


def _check_cluster_binding(obj: Object) -> Iterator[Cause]:
    kind = obj["roleRef"]["kind"]
    if kind != "ClusterRole":
        yield not_supported("roleRef.kind", kind, ["ClusterRole"])


def _role_of(obj: Object) -> Cell:
    reference = obj.get("roleRef") or {}
    return f"{reference.get('kind')}/{reference.get('name')}"


def _subjects_of(obj: Object) -> Cell:
    return ",".join(str(subject.get("name")) for subject in obj.get("subjects") or [])


def _kind(name: str, plural: str, model: type[Model], *, namespaced: bool) -> Kind:
    binding = name.endswith("Binding")
    columns = (
        Column("Role", ".roleRef", value=_role_of),
        Column("Subjects", ".subjects", priority=1, value=_subjects_of),
    )
    check = None if name == "RoleBinding" else _check_cluster_binding if binding else _check_role
    return Kind(
        group=GROUP, version="v1", kind=name, plural=plural, singular=name.lower(), namespaced=namespaced, status=False,
        model=model, description=str(model.__doc__), columns=columns if binding else (), check=check, free_names=True,
    )  # fmt: skip


ROLE = _kind("Role", "roles", Role, namespaced=True)
CLUSTER_ROLE = _kind("ClusterRole", "clusterroles", ClusterRole, namespaced=False)
ROLE_BINDING = _kind("RoleBinding", "rolebindings", RoleBinding, namespaced=True)
CLUSTER_ROLE_BINDING = _kind("ClusterRoleBinding", "clusterrolebindings", ClusterRoleBinding, namespaced=False)
