"""Which pods are endpoints, and which labels their selectors see."""

from __future__ import annotations

from typing import Any

import pytest

from kodkod.endpoints.endpoint import Endpoint, from_pod, from_workload_endpoint


def pod(**changes: Any) -> dict[str, Any]:
    obj: dict[str, Any] = {
        "metadata": {"name": "web-1", "namespace": "dev", "labels": {"app": "nginx"}, "generateName": "web-"},
        "spec": {"nodeName": "node01", "serviceAccountName": "default"},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]},
    }
    for path, value in changes.items():
        part, _, name = path.partition("__")
        obj[part][name] = value
    return obj


def read(obj: dict[str, Any]) -> Endpoint | None:
    found = from_pod(obj, namespace_labels={"team": "red"}, service_account_labels={"tier": "low"})
    return found[0] if found else None


def test_a_running_pod_is_an_endpoint_with_all_its_labels() -> None:
    endpoint = read(pod())
    assert endpoint is not None
    assert dict(endpoint.labels) == {
        "app": "nginx",
        "projectcalico.org/namespace": "dev",
        "projectcalico.org/orchestrator": "k8s",
        "projectcalico.org/serviceaccount": "default",
        "pcns.team": "red",
        "pcns.projectcalico.org/name": "dev",
        "pcsa.tier": "low",
        "pcsa.projectcalico.org/name": "default",
    }
    assert endpoint.ips == ("10.0.0.1", "fd00::1")
    assert endpoint.name_aggr == "web-*"
    assert endpoint.is_ready


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"spec__hostNetwork": True}, id="host-network"),
        pytest.param({"spec__nodeName": ""}, id="not-scheduled"),
        pytest.param({"status__phase": "Failed"}, id="failed"),
        pytest.param({"status__phase": "Succeeded"}, id="succeeded"),
    ],
)
def test_some_pods_are_no_endpoints(change: dict[str, Any]) -> None:
    assert read(pod(**change)) is None


def test_a_pod_without_an_address_is_known_but_not_ready() -> None:
    endpoint = read(pod(status__podIP="", status__podIPs=[]))
    assert endpoint is not None
    assert not endpoint.is_ready


def test_a_terminating_pod_with_its_address_stays_an_endpoint() -> None:
    endpoint = read(pod(metadata__deletionTimestamp="2026-11-25T00:00:00Z"))
    assert endpoint is not None
    assert endpoint.is_ready


def test_a_pod_cannot_forge_platform_labels() -> None:
    forged = {"projectcalico.org/namespace": "kube-system", "projectcalico.org/serviceaccount": "admin"}
    endpoint = read(pod(metadata__labels=forged, spec__serviceAccountName="a" * 63))
    assert endpoint is not None
    assert endpoint.labels["projectcalico.org/namespace"] == "dev"
    assert "projectcalico.org/serviceaccount" not in endpoint.labels


def test_the_interface_is_the_annotated_one_or_the_platforms() -> None:
    named = read(pod(metadata__annotations={"kodkod.dev/interface": "veth7"}))
    computed = read(pod())
    assert named is not None and computed is not None
    assert named.interface == "veth7"
    assert computed.interface.startswith("cali")


def test_a_bare_pod_is_called_by_its_own_name() -> None:
    endpoint = read(pod(metadata__generateName=""))
    assert endpoint is not None
    assert endpoint.name_aggr == "web-1"


def test_a_static_endpoint_needs_no_address() -> None:
    obj = {
        "metadata": {"name": "uplink", "namespace": "lab", "labels": {"role": "edge"}},
        "spec": {"node": "node01", "interface": "eth1", "networkNamespace": "blue"},
    }
    endpoint = from_workload_endpoint(obj, namespace_labels={}, service_account_labels={})
    assert endpoint is not None
    assert endpoint.is_ready
    assert (endpoint.workload, endpoint.interface, endpoint.netns) == ("uplink", "eth1", "blue")
    assert endpoint.file_stem == "uplink_blue_eth1"
    assert endpoint.labels["role"] == "edge"
