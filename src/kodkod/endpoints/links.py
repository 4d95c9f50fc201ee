"""Which interfaces of this host are a pod's? Read from the kernel, whatever plugin made them.

Evidence, best first: the network namespace at the far end of a host interface carries the pod's address (any plugin
that gives a veth or netkit pair: bridge, Calico, Amazon's; every such interface of that namespace is the pod's); a host
route to that address through one interface. Namespaces are known by the interfaces that lead into them, whose kernel
indices are not used twice, so what was read of one is kept until its interface goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kodkod.endpoints.netlink import Address, Link, Routes

PAIRS = frozenset({"veth", "netkit"})
"""Kinds whose far end is a workload's interface. Tunnels, too, may name another namespace, but it is no workload."""
ROUTED = PAIRS | {"tun"}
"""Kinds whose host route leads to a workload: also the taps of virtual machines. A tunnel's leads to another node."""


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of the host that leads to a pod. ips: what its far end carries, of global scope."""

    index: int
    name: str
    ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkTable:
    """The host's interfaces at one moment. holders: by address, the interfaces of the namespace that carries it.

    uplinks: indices of the node's own ways out. Where a node is itself a container they, too, are ends of pairs.
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    holders: Mapping[str, tuple[Interface, ...]] = field(default_factory=dict)
    uplinks: frozenset[int] = frozenset()

    def index(self, name: str) -> int | None:
        """The kernel's index of an interface; None where there is none of this name."""
        link = self.links.get(name)
        return link.index if link is not None else None

    def of_pod(self, ips: Iterable[str]) -> tuple[Interface, ...]:
        """The interfaces of the pod with these addresses; () where the kernel shows none."""
        return next((self.holders[ip] for ip in ips if ip in self.holders), ())

    def is_free(self, name: str) -> bool:
        """Whether an interface is a pair's end that no pod was found behind."""
        link = self.links.get(name)
        held = {interface.name for interfaces in self.holders.values() for interface in interfaces}
        return link is not None and self._leads_to_workload(link) and name not in held

    def of_nobody(self, mapped: Iterable[int]) -> list[int]:
        """Indices of links that no workload can be behind: the node's own, unless an endpoint was mapped to one."""
        kept = set(mapped)
        own = (link.index for link in self.links.values() if not self._leads_to_workload(link))
        return sorted(index for index in own if index not in kept)

    def _leads_to_workload(self, link: Link) -> bool:
        """Whether one may be behind it."""
        return link.kind in PAIRS and link.index not in self.uplinks


class Kernel(Protocol):
    """What reading needs of `netlink.Netlink`."""

    def links(self) -> list[Link]: ...
    def addresses(self, namespace: int) -> list[Address]: ...
    def routes(self) -> Routes: ...
    def close(self) -> None: ...


class LinkReader:
    """Reads tables, one after the other; remembers what namespaces carry. One thread at a time."""

    def __init__(self, netlink: Kernel) -> None:
        self._netlink = netlink
        self._far: dict[int, tuple[str, ...]] = {}
        self._holders: dict[str, int] = {}
        self._routes = Routes()
        self._routes_of: frozenset[int] = frozenset()

    def read(self, wanted: Iterable[str]) -> LinkTable:
        """The table of now, complete as to the wanted addresses. Raises OSError where the kernel does not answer."""
        links = {link.name: link for link in self._netlink.links()}
        wanted = frozenset(wanted)
        self._read_routes(frozenset(link.index for link in links.values()), wanted)
        by_namespace: dict[int, list[Link]] = {}
        for link in links.values():
            if link.kind in PAIRS and link.namespace is not None and link.index not in self._routes.uplinks:
                by_namespace.setdefault(link.namespace, []).append(link)
        self._look_into(by_namespace, wanted)
        holders = {**self._by_route(links, wanted), **self._by_namespace(by_namespace, wanted)}
        return LinkTable(links, holders, frozenset(self._routes.uplinks))

    def close(self) -> None:
        self._netlink.close()

    def _read_routes(self, present: frozenset[int], wanted: frozenset[str]) -> None:
        """Large clusters have many routes: asked for when links have changed, or while somebody is missing."""
        if present != self._routes_of or not wanted <= self._carried():
            self._routes, self._routes_of = self._netlink.routes(), present

    def _carried(self) -> set[str]:
        return {ip for ips in self._far.values() for ip in ips}

    def _look_into(self, by_namespace: Mapping[int, list[Link]], wanted: frozenset[str]) -> None:
        """Ask the namespaces that are new, and those of nobody while somebody is missing (he may be there by now)."""
        alive = {link.index for links in by_namespace.values() for link in links}
        self._far = {index: ips for index, ips in self._far.items() if index in alive}
        is_missing = not wanted <= self._carried()
        for namespace, links in by_namespace.items():
            known = [self._far.get(link.index) for link in links]
            is_nobodys = not any(wanted.intersection(ips) for ips in known if ips)
            if None in known or (is_missing and is_nobodys):
                carried: dict[int, list[str]] = {}
                for address in self._netlink.addresses(namespace):
                    carried.setdefault(address.link, []).append(address.ip)
                self._far.update({link.index: tuple(carried.get(link.peer, ())) for link in links})

    def _by_namespace(
        self, by_namespace: Mapping[int, list[Link]], wanted: frozenset[str]
    ) -> dict[str, tuple[Interface, ...]]:
        """Two namespaces may carry one address: a pod that takes another's stays where it was seen first, else the
        newer one has it, since the sandbox of a pod before it may linger."""
        candidates: dict[str, dict[int, list[Link]]] = {}
        for links in by_namespace.values():
            for link in links:
                for ip in wanted.intersection(self._far.get(link.index, ())):
                    candidates.setdefault(ip, {})[link.index] = links
        self._holders = {
            ip: self._holders[ip] if self._holders.get(ip) in found else max(found) for ip, found in candidates.items()
        }
        return {ip: self._interfaces(candidates[ip][holder]) for ip, holder in self._holders.items()}

    def _interfaces(self, links: Iterable[Link]) -> tuple[Interface, ...]:
        return tuple(
            Interface(link.index, link.name, self._far.get(link.index, ()))
            for link in sorted(links, key=lambda link: link.index)
        )

    def _by_route(self, links: Mapping[str, Link], wanted: frozenset[str]) -> dict[str, tuple[Interface, ...]]:
        named = {link.index: link for link in links.values() if link.kind in ROUTED}
        return {
            ip: (Interface(index, named[index].name, (ip,)),)
            for ip, index in self._routes.hosts.items()
            if ip in wanted and index in named
        }
