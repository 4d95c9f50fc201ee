"""How does a real cluster learn our kinds? As CustomResourceDefinitions, made from the same models as the embedded API.

What a CRD can say it says: the structural schema, defaults, printed columns, and as CEL the rules of `cel`. What needs
another language (selectors, queries) is judged by the server, which says so in the object's status.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kodkod.resources import kinds
from kodkod.resources.cel import RULES, Rule
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.kind import GroupVersion, Kind
from kodkod.resources.kinds.operator import DEFAULT_RESOURCES
from kodkod.resources.schema import Schema, structural

SHARED_WITH_CALICO = frozenset(
    {kinds.FELIX_CONFIGURATION, kinds.CLUSTER_INFORMATION, kinds.GLOBAL_NETWORK_SET, kinds.NETWORK_SET}
)
"""Kinds that open-source Calico defines itself; where it is there, its definitions stay as they are."""

DEFAULTS: dict[Kind, dict[str, Any]] = {
    kinds.INTRUSION_DETECTION: {
        "spec.componentResources": [{"componentName": "DeepPacketInspection"}],
        "spec.componentResources[].resourceRequirements": {},
        **{
            f"spec.componentResources[].resourceRequirements.{name}": bound for name, bound in DEFAULT_RESOURCES.items()
        },
    },
}
"""Defaults that the embedded API fills in by code. A CRD fills whole maps only: `limits` with a cpu and no memory stays
so until the server adds the memory."""

ENVELOPE: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
MANY = "[*]"
AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Time since creation."}


class Origin(Enum):
    """Who else may have made a definition of this name, hence where it belongs."""

    OURS = "ours"
    CALICO = "calico"
    PUBLIC = "v3"
    PUBLIC_CALICO = "v3-calico"


@dataclass(frozen=True, slots=True)
class Definition:
    """origin: PUBLIC* instead of the same kinds of `crd.projectcalico.org`, where `v3` is served as CRDs; *CALICO only
    where nobody has it."""

    origin: Origin
    body: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])


def definitions() -> Iterator[Definition]:
    """Every definition that some way of serving the API needs, in the order of discovery."""
    for kind in kinds.ALL:
        if kind.model is None or kind.free_names:
            continue
        if kind.group != GROUP:
            yield Definition(Origin.OURS, definition(kind, kind.group_version))
            continue
        is_shared = kind in SHARED_WITH_CALICO
        yield Definition(Origin.CALICO if is_shared else Origin.OURS, definition(kind, CRD_GROUP))
        public = Origin.PUBLIC_CALICO if is_shared else Origin.PUBLIC
        yield Definition(public, definition(kind, kind.group_version))


def definition(kind: Kind, served_as: GroupVersion) -> dict[str, Any]:
    """One CustomResourceDefinition (apiextensions.k8s.io/v1) with one version."""
    names: dict[str, Any] = {
        "kind": kind.kind, "listKind": kind.list_kind, "plural": kind.plural, "singular": kind.singular,
    }  # fmt: skip
    if kind.short_names:
        names["shortNames"] = list(kind.short_names)
    if kind.categories:
        names["categories"] = list(kind.categories)
    version: dict[str, Any] = {
        "name": served_as.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema_of(kind)},
        "additionalPrinterColumns": list(printed(kind)),
    }
    if kind.status:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{served_as.group}", "labels": {"app.kubernetes.io/part-of": "kodkod"}},
        "spec": {
            "group": served_as.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
        },
    }


def schema_of(kind: Kind) -> Schema:
    """The whole object's schema: what the embedded API checks by; defaults and CEL rules where there it has code."""
    schema = copy.deepcopy(structural(kind))
    if schema is None:
        raise ValueError(f"{kind} has no model, so a cluster knows it already")
    schema["properties"] = ENVELOPE | schema["properties"]
    for path, value in DEFAULTS.get(kind, {}).items():
        node(schema, path)["default"] = copy.deepcopy(value)
    for rule in RULES.get(kind, ()):
        attach(rule, node(schema, rule.path))
    return schema


def node(schema: Schema, path: str) -> Schema:
    """The sub-schema at `spec.filters[].ports[]`; the object's own for ""."""
    for step in path.split(".") if path else ():
        schema = schema["properties"][step.removesuffix("[]")]
        if step.endswith("[]"):
            schema = schema["items"]
    return schema


def attach(rule: Rule, schema: Schema) -> None:
    if rule.length_max:
        schema["maxLength"] = rule.length_max
    schema.setdefault("x-kubernetes-validations", []).append(rule.as_json())


def printed(kind: Kind) -> Iterator[dict[str, Any]]:
    """The embedded table's columns, where a path can say the same.

    Of several values an API server prints the first alone: `Nodes: n1` would be wrong, so such columns are left out. A
    list or map as such is printed as JSON, hence in `-o wide` only.
    """
    for column in kind.columns:
        if MANY in column.path:
            continue
        shown: dict[str, Any] = {
            "name": column.name, "type": column.type, "jsonPath": column.path, "description": column.description,
        }  # fmt: skip
        if is_compound := leaf_type(kind, column.path) in ("array", "object"):
            shown["type"] = "string"
        if column.priority or is_compound:
            shown["priority"] = 1
        yield shown
    yield AGE


def leaf_type(kind: Kind, path: str) -> str:
    schema = structural(kind) or {}
    for step in path.strip(".").split("."):
        name, bracket, _ = step.partition("[")
        schema = schema["properties"][name]
        if bracket:
            schema = schema["items"]
    return str(schema.get("type", ""))
