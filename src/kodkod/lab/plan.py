"""Who gets which name, address and route, and which rules make Services work? Decisions only; `node.py` performs them.

Pods are plugged in as Calico does it: a veth pair each, a route to the pod's one address on the host, and a next hop
that only exists as a neighbour entry. There is no common bridge under the pods, for two reasons. Between ports of one
bridge a reply would bypass the host that has to translate the Service's address back, unless `br_netfilter` is loaded,
and then it takes another way through the kernel: two data paths to be right about. And a bridge floods every ARP
request into every pod's capture. The one bridge here, `kk-lab0`, is the lab's outside network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from kodkod.endpoints.names import interface_name
from kodkod.lab.errors import NoFreeNetwork
from kodkod.lab.world import Service, Workload, World

BRIDGE = "kk-lab0"
OUTSIDE_LINK = "kk-lab-out"
TABLE = "kodkod_lab"
NEXT_HOP = IPv4Address("169.254.1.1")
"""Calico's next hop: no machine has it, a permanent neighbour entry in each pod leads it to the host's side."""
HOST_SIDE_MAC = "ee:ee:ee:ee:ee:ee"
NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What Kubernetes draws generated names from: no vowels, so no words."""

POD_NETWORKS = tuple(IPv4Network(text) for text in ("10.65.0.0/16", "10.165.0.0/16", "172.29.0.0/16", "172.25.0.0/16"))
OUTSIDE_NETWORKS = tuple(IPv4Network(text) for text in ("198.18.0.0/24", "198.18.77.0/24", "198.19.0.0/24"))
"""For benchmarks of networks (RFC 2544): public in flow logs, and nobody's. Not the documentation networks (RFC 5737):
sandboxes put gateways and proxies there, behind the default route, where a look at the routes does not find them."""


@dataclass(frozen=True, slots=True)
class Network:
    """The lab's two address ranges and who has which part of them."""

    pods: IPv4Network
    outside: IPv4Network

    @property
    def host(self) -> IPv4Address:
        return self.pods[1]

    @property
    def resolver(self) -> IPv4Address:
        return self.pods[10]

    @property
    def outside_host(self) -> IPv4Address:
        return self.outside[1]

    @property
    def outside_web(self) -> IPv4Address:
        return self.outside[10]

    def pod(self, index: int) -> IPv4Address:
        """Pods live in the second /24, from .2 on. At most 250."""
        return self.pods[256 + 2 + index]

    def service(self, index: int) -> IPv4Address:
        return self.pods[96 * 256 + 10 + index]

    def load_balancer(self, index: int) -> IPv4Address:
        return self.pods[200 * 256 + 10 + index]


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod to be: where it is, what it is called, how it is plugged in."""

    workload: Workload
    name: str
    generate_name: str
    address: IPv4Address
    interface: str
    mac: str

    @property
    def namespace(self) -> str:
        return self.workload.namespace

    @property
    def key(self) -> str:
        return f"{self.namespace}_{self.name}"


@dataclass(frozen=True, slots=True)
class Port:
    """One Service with its addresses and the pods that answer."""

    service: Service
    address: IPv4Address
    external: IPv4Address | None
    pods: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class Lab:
    """Everything that is to be there."""

    network: Network
    world: World
    pods: tuple[Pod, ...]
    ports: tuple[Port, ...]


def choose_network(busy: Iterable[IPv4Network]) -> Network:
    """The first of our ranges that overlaps nothing this host routes. Raises NoFreeNetwork."""
    taken = [network for network in busy if network.prefixlen > 0]

    def first(candidates: tuple[IPv4Network, ...]) -> IPv4Network:
        for candidate in candidates:
            if not any(candidate.overlaps(network) for network in taken):
                return candidate
        raise NoFreeNetwork(candidates)

    return Network(first(POD_NETWORKS), first(OUTSIDE_NETWORKS))


def plan(world: World, network: Network, draw: Callable[[int], str]) -> Lab:
    """Give every pod its name and address, and every Service its own.

    draw: random text of a length, from NAME_ALPHABET (identity is an argument).
    """
    pods = tuple(_pod(workload, network, draw, index) for index, workload in enumerate(_each(world)))
    return Lab(network, world, pods, tuple(_ports(world, network, pods)))


def firewall(lab: Lab) -> str:
    """The lab's nftables table: Services by destination NAT, and a fence around the pods.

    Nothing is masqueraded between pods, so a client's capture shows the Service's address and the server sees the
    client's own. Nothing of a pod leaves the lab, and of the host a pod reaches the resolver only.
    """
    network = lab.network
    inside = f"{{ {network.pods}, {network.outside} }}"
    services = "\n".join(f"    {line}" for line in _service_rules(lab))
    return f"""table ip {TABLE} {{
  chain prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }}
  chain output {{
    type nat hook output priority -100; policy accept;
    jump services
  }}
  chain services {{
{services}
  }}
  chain forward {{
    type filter hook forward priority filter - 10; policy accept;
    ip saddr {inside} ip daddr {inside} accept
    ip saddr {inside} reject with icmp type net-unreachable
    ip daddr {inside} reject with icmp type net-unreachable
  }}
  chain input {{
    type filter hook input priority filter - 10; policy accept;
    ip saddr != {inside} accept
    iifname "lo" accept
    ct state established,related accept
    ip daddr {network.resolver} udp dport 53 accept
    ip daddr {network.resolver} tcp dport 53 accept
    icmp type echo-request accept
    reject with icmp type port-unreachable
  }}
}}
"""


def zone(lab: Lab) -> Mapping[str, IPv4Address]:
    """The names the resolver knows, lower case, without the final dot."""
    names = {f"{port.service.name}.{port.service.namespace}.svc.cluster.local": port.address for port in lab.ports}
    names["kubernetes.default.svc.cluster.local"] = lab.network.host
    return names | dict.fromkeys(lab.world.outside_names, lab.network.outside_web)


def network_text(network: Network) -> str:
    return f"pods {network.pods}, outside {network.outside}"


def _each(world: World) -> Iterator[Workload]:
    for workload in world.workloads:
        for _ in range(workload.replicas):
            yield workload


def _pod(workload: Workload, network: Network, draw: Callable[[int], str], index: int) -> Pod:
    generate_name = f"{workload.name}-{_template_hash(workload)}-" if workload.deployed else ""
    name = generate_name + draw(5) if workload.deployed else workload.name
    address = network.pod(index)
    return Pod(
        workload=workload,
        name=name,
        generate_name=generate_name,
        address=address,
        interface=interface_name(workload.namespace, name),
        mac="02:65:" + ":".join(f"{byte:02x}" for byte in address.packed),
    )


def _template_hash(workload: Workload) -> str:
    """Stands for a ReplicaSet's pod-template-hash: ten characters that stay while the workload does."""
    digest = hashlib.sha256(repr((workload.namespace, workload.name, workload.image, workload.port)).encode()).digest()
    return "".join(NAME_ALPHABET[byte % len(NAME_ALPHABET)] for byte in digest[:10])


def _ports(world: World, network: Network, pods: tuple[Pod, ...]) -> Iterator[Port]:
    for index, service in enumerate(world.services):
        behind = service.behind or service.namespace
        chosen = tuple(
            pod for pod in pods if pod.namespace == behind and service.selector.items() <= pod.workload.labels.items()
        )
        external = network.load_balancer(index) if service.external else None
        yield Port(service, network.service(index), external, chosen)


def _service_rules(lab: Lab) -> Iterator[str]:
    for port in lab.ports:
        targets = [f"{pod.address} . {port.service.target_port}" for pod in port.pods]
        chosen = ", ".join(f"{index} : {target}" for index, target in enumerate(targets))
        verdict = f"dnat ip to numgen inc mod {len(targets)} map {{ {chosen} }}" if targets else "reject"
        for address in filter(None, (port.address, port.external)):
            yield f"ip daddr {address} tcp dport {port.service.port} {verdict}"
