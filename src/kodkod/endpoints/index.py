"""Which endpoints have these labels, this address, this interface? An immutable index over all known endpoints.

Built anew when something changed (some thousand endpoints: a few milliseconds) and swapped by reference, so readers
in other threads never see half a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from kodkod.endpoints.endpoint import Endpoint


class Matches(Protocol):
    """What a parsed selector offers (`kodkod.resources.selector`)."""

    def matches(self, labels: Mapping[str, str]) -> bool: ...


class Index:
    """Endpoints by namespace, address and interface. Iteration order is by id, so plans come out the same.

    departed: endpoints that were here a moment ago. They name addresses that nobody has now, and are nothing else.
    """

    def __init__(self, endpoints: Iterable[Endpoint] = (), *, departed: Iterable[Endpoint] = ()) -> None:
        self._all = tuple(sorted(endpoints, key=lambda endpoint: endpoint.id))
        self._by_namespace: dict[str, list[Endpoint]] = {}
        self._by_ip: dict[str, Endpoint] = {}
        self._by_interface: dict[tuple[str, str | None, str], Endpoint] = {}
        for endpoint in self._all:
            self._by_namespace.setdefault(endpoint.namespace, []).append(endpoint)
            self._by_interface[(endpoint.node, endpoint.netns, endpoint.interface)] = endpoint
            for ip in endpoint.ips:
                self._by_ip.setdefault(ip, endpoint)
        self._gone = {ip: endpoint for endpoint in departed for ip in endpoint.ips if ip not in self._by_ip}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def select(self, namespace: str, selector: Matches, *, node: str | None = None) -> list[Endpoint]:
        """Endpoints of one namespace (never of another) whose labels match; of one node where given."""
        return [
            endpoint
            for endpoint in self._by_namespace.get(namespace, ())
            if (node is None or endpoint.node == node) and selector.matches(endpoint.labels)
        ]

    def on_node(self, node: str) -> list[Endpoint]:
        """Endpoints of one node that are ready to be attached to."""
        return [endpoint for endpoint in self._all if endpoint.node == node and endpoint.is_ready]

    def by_ip(self, ip: str) -> Endpoint | None:
        """Whose address is this, cluster-wide?"""
        return self._by_ip.get(ip) or self._gone.get(ip)

    def by_interface(self, node: str, interface: str, netns: str | None = None) -> Endpoint | None:
        return self._by_interface.get((node, netns, interface))
