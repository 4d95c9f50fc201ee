"""Finding endpoints by labels, address and interface."""

from __future__ import annotations

from kodkod.endpoints import Endpoint, Index
from kodkod.resources import selector


def endpoint(namespace: str, workload: str, ip: str, **labels: str) -> Endpoint:
    return Endpoint(
        namespace=namespace,
        workload=workload,
        node="node01",
        interface=f"if-{namespace}-{workload}",
        ips=(ip,),
        labels={**labels, "projectcalico.org/orchestrator": "k8s"},
    )


INDEX = Index(
    [
        endpoint("dev", "b", "10.0.0.2", app="nginx"),
        endpoint("dev", "a", "10.0.0.1", app="nginx"),
        endpoint("dev", "c", "10.0.0.3", app="redis"),
        endpoint("uat", "a", "10.0.1.1", app="nginx"),
    ]
)


def test_a_selector_sees_one_namespace_only() -> None:
    found = INDEX.select("dev", selector.parse('app == "nginx"'))
    assert [one.workload for one in found] == ["a", "b"]


def test_all_does_not_reach_into_other_namespaces() -> None:
    assert {one.namespace for one in INDEX.select("uat", selector.parse("all()"))} == {"uat"}


def test_endpoints_are_found_by_address_and_interface() -> None:
    by_ip, by_interface = INDEX.by_ip("10.0.0.3"), INDEX.by_interface("node01", "if-uat-a")
    assert by_ip is not None and by_interface is not None
    assert (by_ip.workload, by_interface.namespace) == ("c", "uat")
    assert INDEX.by_ip("192.0.2.1") is None
