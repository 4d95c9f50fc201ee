"""From where may an agent's token be used? From its own node: a stolen one is worth nothing elsewhere.

An agent in the host's network reaches us from one of its node's addresses, or from one that the node has among its
pods: the end of a tunnel, a bridge. The bridge speaks to us only where we run on that node too, and then it is our own
gateway. Every other part reaches us from its own pod's address.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kodkod.resources import kinds
from kodkod.store import Resources
from kodkod.store.informer import Informer

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# What networks write on a Node: the address of its end of their tunnel.
TUNNELS = (
    "projectcalico.org/IPv4Address", "projectcalico.org/IPv4IPIPTunnelAddr", "projectcalico.org/IPv4VXLANTunnelAddr",
    "projectcalico.org/IPv6Address", "projectcalico.org/IPv6VXLANTunnelAddr", "flannel.alpha.coreos.com/public-ip",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Home:
    """Where this server runs. gateways: where its pod sends all else; on the way in, an address of its node."""

    node: str = ""
    gateways: frozenset[Address] = frozenset()


class Places:
    """Follows Nodes, and the pods of our own namespaces. `run` is its task."""

    def __init__(self, resources: Resources, namespaces: tuple[str, ...], home: Home) -> None:
        self._home = home
        self._nodes = Informer(resources, kinds.NODE)
        self._pods = {namespace: Informer(resources, kinds.POD, namespace) for namespace in namespaces}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for informer in (self._nodes, *self._pods.values()):
                group.create_task(informer.run())

    @property
    def is_synced(self) -> bool:
        return all(informer.is_synced for informer in (self._nodes, *self._pods.values()))

    async def synced(self) -> None:
        for informer in (self._nodes, *self._pods.values()):
            await informer.synced()

    def holds(self, node: str, pod: tuple[str, str], address: str) -> bool:
        """Whether the address is the node's, or the pod's own. pod: (namespace, name)."""
        peer = parsed(address)
        known = self._nodes.items.get(("", node))
        if peer is None or known is None:
            return False
        if any(peer in place for place in places_of(known)):
            return True
        if node == self._home.node and peer in self._home.gateways:
            return True
        pods = self._pods.get(pod[0])
        found = pods.items.get(pod) if pods is not None else None
        return found is not None and peer in set(pod_addresses(found))


def gateways(routes: str, routes_v6: str) -> frozenset[Address]:
    """The default gateways in the kernel's tables, as /proc/net/route and /proc/net/ipv6_route show them."""
    found: set[Address] = set()
    for line in routes.splitlines()[1:]:
        _, destination, gateway, *_ = line.split()
        if destination == "00000000" and gateway != "00000000":
            found.add(ipaddress.IPv4Address(bytes.fromhex(gateway)[::-1]))  # little-endian
    for line in routes_v6.splitlines():
        destination, length, _, _, gateway, *_ = line.split()
        if (destination, length) == ("0" * 32, "00") and gateway != "0" * 32:
            found.add(ipaddress.IPv6Address(bytes.fromhex(gateway)))
    return frozenset(found)


def places_of(node: Mapping[str, Any]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """A node's own addresses as networks of one, and the first addresses of its pods' range (a bridge, a tunnel)."""
    texts = [entry.get("address", "") for entry in (node.get("status") or {}).get("addresses") or []]
    annotations = node["metadata"].get("annotations") or {}
    texts += [str(annotations.get(name, "")).partition("/")[0] for name in TUNNELS]
    for text in texts:
        address = parsed(text)
        if address is not None:
            yield ipaddress.ip_network(address)
    spec = node.get("spec") or {}
    for text in spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else []):
        network = ipaddress.ip_network(text, strict=False)
        yield ipaddress.ip_network((network.network_address, network.max_prefixlen - 1))


def pod_addresses(pod: Mapping[str, Any]) -> Iterator[Address]:
    for entry in (pod.get("status") or {}).get("podIPs") or []:
        address = parsed(entry.get("ip", ""))
        if address is not None:
            yield address


def parsed(text: str) -> Address | None:
    """An address; one of version 4 that is written as version 6 is version 4. None for a host name."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address
