"""Who gives Services of type LoadBalancer an address where there is no cloud? This: the lan has some to spare.

    loadbalancer.py PKI-FOLDER

Runs in the control plane's network and routes each address through a ready node, whose kube-proxy does the rest; for
`externalTrafficPolicy: Local` through a node with a ready pod, which then sees the caller's address. Cluster addresses
are routed in the same way. The choice is made afresh every second, so a dead node is left once it is NotReady.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
import urllib.request
from typing import Any

POOL = [f"10.250.0.{last}" for last in range(200, 250)]
CLUSTER_ADDRESSES = "10.96.0.0/16"
TIMEOUT_S = 5.0

Object = dict[str, Any]


class Api:
    """The API server, as the cluster's admin."""

    def __init__(self, pki: str) -> None:
        self._tls = ssl.create_default_context(cafile=f"{pki}/ca.crt")
        self._tls.load_cert_chain(f"{pki}/admin.crt", f"{pki}/admin.key")

    def call(self, path: str, patch: Object | None = None) -> Object:
        request = urllib.request.Request("https://10.250.0.1:6443" + path)
        if patch is not None:
            request.method = "PATCH"
            request.data = json.dumps(patch).encode()
            request.add_header("Content-Type", "application/merge-patch+json")
        with urllib.request.urlopen(request, context=self._tls, timeout=TIMEOUT_S) as answer:
            value: Object = json.load(answer)
        return value

    def items(self, path: str) -> list[Object]:
        items: list[Object] = self.call(path)["items"]
        return items


def main() -> None:
    api = Api(sys.argv[1])
    present: dict[str, str] = {}
    while True:
        try:
            services = [service for service in api.items("/api/v1/services") if ours(service)]
            assign(api, services)
            wanted = routes(api, services, ready_nodes(api))
        except OSError as error:  # the API server is away: what is there stays
            print(error, flush=True)
            wanted = present
        for destination in present.keys() - wanted.keys():
            subprocess.run(["ip", "route", "del", destination], check=False)
        for destination, via in wanted.items():
            if present.get(destination) != via:
                subprocess.run(["ip", "route", "replace", destination, "via", via], check=True)
        present = wanted
        time.sleep(1)


def ours(service: Object) -> bool:
    return service["spec"].get("type") == "LoadBalancer" and not service["spec"].get("loadBalancerClass")


def assign(api: Api, services: list[Object]) -> None:
    """Give an address to each Service that has none: the one it asks for, if it is free."""
    taken = {address_of(service) for service in services}
    for service in services:
        free = [address for address in POOL if address not in taken]
        if address_of(service) or not free:
            continue
        wish = service["spec"].get("loadBalancerIP")
        address = wish if wish in free else free[0]
        taken.add(address)
        meta = service["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/services/{meta['name']}/status"
        service["status"] = api.call(path, {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}})["status"]
        print(meta["namespace"], meta["name"], "has", address, flush=True)


def routes(api: Api, services: list[Object], nodes: dict[str, str]) -> dict[str, str]:
    """Destination → address of the node that it is routed through."""
    if not nodes:
        return {}
    first = nodes[min(nodes)]
    wanted = {CLUSTER_ADDRESSES: first}
    for service in services:
        address = address_of(service)
        if address not in POOL:
            continue
        wanted[address] = first
        if service["spec"].get("externalTrafficPolicy") == "Local":
            local = sorted(nodes_with_endpoints(api, service) & set(nodes))
            wanted[address] = nodes[local[0]] if local else first
    return wanted


def ready_nodes(api: Api) -> dict[str, str]:
    """Name → address of each node that is ready."""
    found = {}
    for node in api.items("/api/v1/nodes"):
        conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", [])}
        if conditions.get("Ready") == "True":
            addresses = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
            found[node["metadata"]["name"]] = addresses[0]
    return found


def nodes_with_endpoints(api: Api, service: Object) -> set[str]:
    meta = service["metadata"]
    path = f"/apis/discovery.k8s.io/v1/namespaces/{meta['namespace']}/endpointslices"
    slices = api.items(f"{path}?labelSelector=kubernetes.io/service-name%3D{meta['name']}")
    points = [point for each in slices for point in each.get("endpoints") or []]
    return {point.get("nodeName", "") for point in points if point.get("conditions", {}).get("ready")}


def address_of(service: Object) -> str:
    ingress = service.get("status", {}).get("loadBalancer", {}).get("ingress", [])
    address: str = ingress[0].get("ip", "") if ingress else ""
    return address


if __name__ == "__main__":
    main()
