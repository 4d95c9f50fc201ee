"""The names that files, status and manifests carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.endpoints import names


@pytest.mark.parametrize(
    ("prefix", "namespace", "pod", "expected"),
    [
        pytest.param("cali", "default", "nginx", "calic440f455693", id="calico"),
        pytest.param("eni", "storefront", "logging", "eni00ad604076b", id="amazon"),
        pytest.param("cali", "sample", "nginx-7c5ddbdf54-abcde", "cali3177a65a149", id="replica"),
    ],
)
def test_interface_names_are_those_of_the_platform(prefix: str, namespace: str, pod: str, expected: str) -> None:
    assert names.interface_name(namespace, pod, prefix) == expected


def test_a_workload_endpoint_name_doubles_the_dashes_of_its_parts() -> None:
    name = names.workload_endpoint_name("ip-10-0-0-1", "my-nginx-b1337a")
    assert name == "ip--10--0--0--1-k8s-my--nginx--b1337a-eth0"
    assert names.parse_workload_endpoint_name(name) == ("ip-10-0-0-1", "k8s", "my-nginx-b1337a", "eth0")


@pytest.mark.parametrize("name", ["", "a", "node-k8s-pod", "node-k8s-pod-eth0-more"])
def test_a_name_without_exactly_four_parts_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="parts"):
        names.parse_workload_endpoint_name(name)


_PART = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@given(node=_PART, pod=_PART)
def test_a_workload_endpoint_name_reads_back(node: str, pod: str) -> None:
    name = names.workload_endpoint_name(node, pod)
    assert names.parse_workload_endpoint_name(name) == (node, "k8s", pod, "eth0")
