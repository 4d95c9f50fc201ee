"""What do all roles and bindings together allow? An immutable index, made anew when one of them changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kodkod.access.callers import Caller
from kodkod.access.requests import Request
from kodkod.resources import Object, label_selectors
from kodkod.resources.kinds import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING, Kind


@dataclass(frozen=True, slots=True)
class Grant:
    """One rule of a role."""

    verbs: frozenset[str]
    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    paths: frozenset[str]

    @staticmethod
    def of(rule: Object) -> Grant:
        return Grant(
            verbs=frozenset(rule.get("verbs") or ()),
            groups=frozenset(rule.get("apiGroups") or ()),
            resources=frozenset(rule.get("resources") or ()),
            names=frozenset(rule.get("resourceNames") or ()),
            paths=frozenset(rule.get("nonResourceURLs") or ()),
        )

    def covers(self, request: Request) -> bool:
        if not self.verbs & {"*", request.verb}:
            return False
        if request.path:
            return any(_path_matches(pattern, request.path) for pattern in self.paths)
        if not self.groups & {"*", request.group}:
            return False
        if not self.resources & {"*", request.target, f"*/{request.subresource}" if request.subresource else "*"}:
            return False
        return not self.names or request.name in self.names


def _path_matches(pattern: str, path: str) -> bool:
    return pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


Subject = tuple[str, str]
"""("User" | "Group", name); a service account is the user `system:serviceaccount:{namespace}:{name}`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """everywhere, within: what is granted to a subject in the whole cluster, and in one namespace."""

    everywhere: Mapping[Subject, tuple[Grant, ...]]
    within: Mapping[tuple[str, Subject], tuple[Grant, ...]]

    @staticmethod
    def of(objects: Mapping[Kind, Iterable[Object]]) -> Policy:
        cluster_roles = {role["metadata"]["name"]: role for role in objects.get(CLUSTER_ROLE, ())}
        resolved = {name: _rules(role, cluster_roles.values()) for name, role in cluster_roles.items()}
        roles = {
            (role["metadata"]["namespace"], role["metadata"]["name"]): _own_rules(role)
            for role in objects.get(ROLE, ())
        }
        everywhere: dict[Subject, tuple[Grant, ...]] = {}
        for binding in objects.get(CLUSTER_ROLE_BINDING, ()):
            grants = resolved.get(binding["roleRef"]["name"], ())
            for subject in _subjects(binding, ""):
                everywhere[subject] = everywhere.get(subject, ()) + grants
        within: dict[tuple[str, Subject], tuple[Grant, ...]] = {}
        for binding in objects.get(ROLE_BINDING, ()):
            namespace, reference = binding["metadata"]["namespace"], binding["roleRef"]
            own = reference["kind"] == "Role"
            grants = roles.get((namespace, reference["name"]), ()) if own else resolved.get(reference["name"], ())
            for subject in _subjects(binding, namespace):
                within[namespace, subject] = within.get((namespace, subject), ()) + grants
        return Policy(everywhere, within)

    def allows(self, caller: Caller, request: Request) -> bool:
        return any(grant.covers(request) for grant in self._of(caller, request.namespace))

    def grants(self, caller: Caller, namespace: str) -> list[Grant]:
        return list(dict.fromkeys(self._of(caller, namespace)))

    def _of(self, caller: Caller, namespace: str) -> Iterator[Grant]:
        for subject in (("User", caller.name), *(("Group", group) for group in caller.groups)):
            yield from self.everywhere.get(subject, ())
            if namespace:
                yield from self.within.get((namespace, subject), ())


def _subjects(binding: Object, namespace: str) -> Iterator[Subject]:
    for subject in binding.get("subjects") or []:
        if subject["kind"] == "ServiceAccount":
            yield "User", f"system:serviceaccount:{subject.get('namespace') or namespace}:{subject['name']}"
        else:
            yield subject["kind"], subject["name"]


def _own_rules(role: Object) -> tuple[Grant, ...]:
    return tuple(Grant.of(rule) for rule in role.get("rules") or ())


def _rules(role: Object, every_role: Iterable[Object], *, nested: bool = False) -> tuple[Grant, ...]:
    """A role's own rules and those of all roles that its aggregation selects; these may aggregate once more."""
    chosen = list(_own_rules(role))
    for selector in _aggregation(role):
        for other in every_role:
            if other is not role and selector.matches(other["metadata"].get("labels") or {}):
                chosen += _own_rules(other) if nested else _rules(other, every_role, nested=True)
    return tuple(dict.fromkeys(chosen))


def _aggregation(role: Object) -> list[label_selectors.LabelSelector]:
    selectors = (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
    return [label_selectors.of_object(entry) for entry in selectors]
