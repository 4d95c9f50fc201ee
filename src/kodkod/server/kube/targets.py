"""What does a path of the Kubernetes face mean? A kind of a group, maybe a namespace, a name, a subresource."""

from __future__ import annotations

from dataclasses import dataclass

from kodkod.access import Request as AccessRequest
from kodkod.resources import kinds
from kodkod.resources.kinds import GroupVersion, Kind

OF_A_NAMESPACE = ("status", "finalize")  # subresources of Namespace itself, where else a plural would stand
EVERYWHERE = ("files",)  # subresources of a name in all namespaces: where there are files of captures called so


@dataclass(frozen=True, slots=True)
class Target:
    """group_version: the one asked for, which may be another than the kind's own. rest: what follows a subresource."""

    kind: Kind
    group_version: GroupVersion
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""

    def asks(self, verb: str) -> AccessRequest:
        """The right that a verb on this needs: of the group that was asked for, as in a cluster."""
        return AccessRequest(
            verb, self.group_version.group, self.kind.plural, self.subresource, self.namespace, self.name
        )

    @property
    def in_namespace(self) -> str | None:
        """For the store: None means all namespaces, or none."""
        return self.namespace or None


def parse(group_version: GroupVersion, path: str) -> Target | None:
    """The target of what follows the group and version in a path; None where nothing is served there."""
    parts = [part for part in path.split("/") if part]
    namespace = ""
    if parts[:1] == ["namespaces"] and len(parts) >= 3 and parts[2] not in OF_A_NAMESPACE:
        namespace, parts = parts[1], parts[2:]
    if not parts:
        return None
    kind = kinds.by_resource(str(group_version), parts[0])
    if kind is None or (namespace and not kind.namespaced):
        return None
    name, subresource, *rest = (*parts[1:], "", "")
    if kind.namespaced and name and not namespace and subresource not in EVERYWHERE:
        return None
    return Target(kind, group_version, namespace, name, subresource, "/".join(part for part in rest if part))
