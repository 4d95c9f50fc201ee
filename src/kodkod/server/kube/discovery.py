"""Which groups, versions and kinds are served? The legacy documents and the aggregated one that newer clients ask for.

The order of groups decides which of two groups with the same plural `kubectl get` means, and short names stand in one
group only, or kubectl warns of ambiguity.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kodkod.resources import kinds
from kodkod.resources.kinds import GroupVersion, Kind

Json = dict[str, Any]
Groups = tuple[GroupVersion, ...]

AGGREGATED_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
AGGREGATED_V2BETA1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"

# Reviews are answered, not stored: kind by group and version, with the plural of its path.
REVIEWS: dict[GroupVersion, tuple[tuple[str, str, bool], ...]] = {
    GroupVersion("authorization.k8s.io", "v1"): (
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
        ("selfsubjectrulesreviews", "SelfSubjectRulesReview", False),
        ("subjectaccessreviews", "SubjectAccessReview", False),
        ("localsubjectaccessreviews", "LocalSubjectAccessReview", True),
    ),
    GroupVersion("authentication.k8s.io", "v1"): (
        ("selfsubjectreviews", "SelfSubjectReview", False),
        ("tokenreviews", "TokenReview", False),
    ),
}


def core_versions() -> Json:
    """`/api`."""
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def every_group() -> Groups:
    """All that the embedded API serves, in the order of discovery."""
    return (*kinds.group_versions(), *REVIEWS)


def groups(served: Groups) -> Json:
    """`/apis`."""
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(name, served) for name in group_names(served)]}


def group_names(served: Groups) -> list[str]:
    """Every named group, in the order of discovery."""
    return list(dict.fromkeys(group_version.group for group_version in served if group_version.group))


def versions_of(name: str, served: Groups) -> list[GroupVersion]:
    return [group_version for group_version in served if group_version.group == name]


def group(name: str, served: Groups) -> Json:
    """`/apis/{group}`; without versions for a group that is not served."""
    versions = [{"groupVersion": str(one), "version": one.version} for one in versions_of(name, served)]
    preferred = versions[0] if versions else {}
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions, "preferredVersion": preferred}


def resources(group_version: GroupVersion) -> Json:
    """`/apis/{group}/{version}` or `/api/v1`."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": str(group_version),
        "resources": [*legacy_entries(group_version), *legacy_reviews(group_version)],
    }


def legacy_entries(group_version: GroupVersion) -> Iterator[Json]:
    for kind in kinds.served(group_version):
        entry: Json = {
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(kind.verbs),
        }
        if kind.short_names and group_version == kind.group_version:
            entry["shortNames"] = list(kind.short_names)
        if kind.categories:
            entry["categories"] = list(kind.categories)
        yield entry
        for name, verbs in subresources(kind):
            yield {
                "name": f"{kind.plural}/{name}",
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": verbs,
            }


def legacy_reviews(group_version: GroupVersion) -> Iterator[Json]:
    for plural, kind, namespaced in REVIEWS.get(group_version, ()):
        yield {"name": plural, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["create"]}


SUBRESOURCE_VERBS = {
    "status": ["get", "patch", "update"],
    "files": ["get", "delete"],
    "log": ["get"],
    "exec": ["create", "get"],
}


def subresources(kind: Kind) -> Iterator[tuple[str, list[str]]]:
    names = [*(["status"] if kind.status else []), *(name for name in kind.subresources if name != "status")]
    for name in names:
        yield name, SUBRESOURCE_VERBS.get(name, ["get"])


def aggregated(served: Groups, core: bool, version: str = "v2") -> Json:
    """`/api` (core) or `/apis` as one APIGroupDiscoveryList. version: `v2` or `v2beta1`, which differ in name only."""
    names = [""] if core else group_names(served)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": [aggregated_group(name, served) for name in names],
    }


def aggregated_group(name: str, served: Groups) -> Json:
    versions = versions_of(name, served)
    return {
        "metadata": {"name": name} if name else {},
        "versions": [
            {"version": one.version, "freshness": "Current", "resources": aggregated_entries(one)} for one in versions
        ],
    }


def aggregated_entries(group_version: GroupVersion) -> list[Json]:
    entries = []
    for kind in kinds.served(group_version):
        response = {"group": group_version.group, "version": group_version.version, "kind": kind.kind}
        entry: Json = {
            "resource": kind.plural,
            "responseKind": response,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": kind.singular,
            "verbs": list(kind.verbs),
        }
        if kind.short_names and group_version == kind.group_version:
            entry["shortNames"] = list(kind.short_names)
        if kind.categories:
            entry["categories"] = list(kind.categories)
        below = [{"subresource": name, "responseKind": response, "verbs": verbs} for name, verbs in subresources(kind)]
        if below:
            entry["subresources"] = below
        entries.append(entry)
    for plural, name, namespaced in REVIEWS.get(group_version, ()):
        entries.append(
            {
                "resource": plural,
                "responseKind": {"group": group_version.group, "version": group_version.version, "kind": name},
                "scope": "Namespaced" if namespaced else "Cluster",
                "singularResource": "",
                "verbs": ["create"],
            }
        )
    return entries
