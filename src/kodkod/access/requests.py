"""What is being asked for? A verb on a resource, or on a path that is no resource."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """verb: get, list, watch, create, update, patch, delete, deletecollection; for a path the HTTP method's word.

    resource: plural name; namespace: "" for a cluster-scoped object or a list over all namespaces.
    path: set for what is no resource, such as `/metrics`; the other fields are empty then.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def target(self) -> str:
        """`packetcaptures/files`: how rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource
