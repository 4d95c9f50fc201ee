"""What do logs and events call an address? A pod, a network set, or just the private or the public network.

Rules of the product's logs: pods by their index entry; else network sets (same namespace first, then global ones, then
those of other namespaces; within these the longest prefix, then the alphabet); else `pvt` for RFC 1918 and `pub` for
everything else, IPv6 and link-local included.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kodkod.endpoints.index import Index

Type = Literal["wep", "hep", "ns", "net"]
UNKNOWN = "-"

_PRIVATE = tuple(ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
_Net = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a conversation, as records name it. `-` where a name does not apply."""

    type: Type
    name: str
    name_aggr: str
    namespace: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServicePort:
    """The Service behind a cluster address and port. `port_name` is `-` where the port has none."""

    name: str
    namespace: str
    port_name: str
    port: int


@dataclass(frozen=True, slots=True)
class _Set:
    name: str
    namespace: str  # "" for a global one
    net: _Net
    labels: tuple[str, ...]


class Parties:
    """Names for addresses. Immutable; made anew when endpoints, network sets, services or nodes change."""

    def __init__(
        self,
        index: Index,
        *,
        network_sets: Iterable[Mapping[str, Any]] = (),
        services: Iterable[Mapping[str, Any]] = (),
        nodes: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.index = index
        self._sets = [one for obj in network_sets for one in _sets(obj)]
        self._services = dict(entry for obj in services for entry in _service_ports(obj))
        self._nodes = {address: obj["metadata"]["name"] for obj in nodes for address in _node_addresses(obj)}
        self._known: dict[tuple[str, str], Party] = {}

    def of(self, ip: str, *, seen_from: str = "") -> Party:
        """Who has this address? seen_from: namespace of the reporting endpoint, whose network sets come first."""
        key = (ip, seen_from)
        if key not in self._known:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[key] = self._find(ip, seen_from)
        return self._known[key]

    def service(self, ip: str, port: int | None, protocol: str = "TCP") -> ServicePort | None:
        """The Service that owns a cluster address and port."""
        return self._services.get((ip, port or 0, protocol.upper()))

    def _find(self, ip: str, seen_from: str) -> Party:
        endpoint = self.index.by_ip(ip)
        if endpoint is not None:
            labels = tuple(sorted(f"{key}={value}" for key, value in endpoint.own_labels.items()))
            return Party("wep", endpoint.workload, endpoint.name_aggr, endpoint.namespace, labels)
        if ip in self._nodes:
            return Party("hep", self._nodes[ip], self._nodes[ip], UNKNOWN)
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return Party("net", UNKNOWN, "pub", UNKNOWN)
        holding = [one for one in self._sets if address.version == one.net.version and address in one.net]
        if holding:
            best = min(holding, key=lambda one: (_rank(one, seen_from), -one.net.prefixlen, one.name))
            return Party("ns", UNKNOWN, best.name, best.namespace or UNKNOWN, best.labels)
        private = any(address.version == net.version and address in net for net in _PRIVATE)
        return Party("net", UNKNOWN, "pvt" if private else "pub", UNKNOWN)


_KNOWN_MAX = 50_000  # remembered answers; past that the memory starts anew


def _rank(one: _Set, seen_from: str) -> int:
    if one.namespace and one.namespace == seen_from:
        return 0
    return 2 if one.namespace else 1


def _sets(obj: Mapping[str, Any]) -> list[_Set]:
    metadata = obj["metadata"]
    labels = tuple(sorted(f"{key}={value}" for key, value in (metadata.get("labels") or {}).items()))
    found = []
    for text in (obj.get("spec") or {}).get("nets") or []:
        try:
            net = ipaddress.ip_network(str(text), strict=False)
        except ValueError:
            continue  # admission refuses it; a plain CRD store may hold it, and one bad line costs no other
        found.append(_Set(metadata["name"], metadata.get("namespace") or "", net, labels))
    return found


def _service_ports(obj: Mapping[str, Any]) -> list[tuple[tuple[str, int, str], ServicePort]]:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    addresses = {spec.get("clusterIP"), *(spec.get("clusterIPs") or ()), *(spec.get("externalIPs") or ())}
    ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    addresses |= {entry.get("ip") for entry in ingress}
    ports = []
    for entry in spec.get("ports") or ():
        port, protocol = int(entry.get("port") or 0), str(entry.get("protocol") or "TCP").upper()
        service = ServicePort(metadata["name"], metadata.get("namespace", ""), entry.get("name") or UNKNOWN, port)
        ports += [((address, port, protocol), service) for address in addresses if address and address != "None"]
    return ports


def _node_addresses(obj: Mapping[str, Any]) -> list[str]:
    listed = (obj.get("status") or {}).get("addresses") or ()
    return [entry["address"] for entry in listed if entry.get("type") in ("InternalIP", "ExternalIP")]
