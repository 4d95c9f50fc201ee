"""The cluster's objects, turned into one index."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kodkod.endpoints import Index
from kodkod.endpoints.discovery import discover
from kodkod.endpoints.links import Interface, LinkTable
from kodkod.endpoints.netlink import Link


def namespace(name: str, netns: str = "") -> dict[str, object]:
    annotations = {"kodkod.dev/named-netns": netns} if netns else {}
    return {"metadata": {"name": name, "labels": {"env": name}, "annotations": annotations}}


def test_three_sources_come_together() -> None:
    found = discover(
        pods=[
            {
                "metadata": {"name": "web", "namespace": "dev"},
                "spec": {"nodeName": "node01", "serviceAccountName": "sa"},
                "status": {"podIP": "10.0.0.1"},
            }
        ],
        namespaces=[namespace("dev"), namespace("lab", "blue-*, db")],
        service_accounts=[{"metadata": {"name": "sa", "namespace": "dev", "labels": {"tier": "1"}}}],
        workload_endpoints=[
            {"metadata": {"name": "uplink", "namespace": "dev"}, "spec": {"node": "node01", "interface": "eth9"}}
        ],
        named_netns=["blue-1", "db", "red"],
        node="node01",
    )
    index = Index(found.endpoints)
    assert [(one.namespace, one.workload, one.netns) for one in index] == [
        ("dev", "uplink", None),
        ("dev", "web", None),
        ("lab", "blue-1", "blue-1"),
        ("lab", "db", "db"),
    ]
    web = index.by_ip("10.0.0.1")
    assert web is not None
    assert (web.labels["pcns.env"], web.labels["pcsa.tier"]) == ("dev", "1")


def test_a_named_namespace_that_nobody_claims_is_no_endpoint() -> None:
    found = discover(pods=[], namespaces=[namespace("dev")], service_accounts=[], named_netns=["blue"], node="n")
    assert found.endpoints == ()


LINKS = LinkTable(
    links={
        "eth0": Link(2, "eth0"),
        "vethaa": Link(7, "vethaa", "veth", 2, 0),
        "vethbb": Link(8, "vethbb", "veth", 3, 0),
        "vethcc": Link(9, "vethcc", "veth", 2, 1),
    },
    holders={"10.0.0.1": (Interface(7, "vethaa", ("10.0.0.1",)), Interface(8, "vethbb", ("192.168.7.7",)))},
)


def pod(name: str, ip: str = "10.0.0.1", *, interface: str = "", uid: str = "u1", phase: str = "Running") -> object:
    annotations = {"kodkod.dev/interface": interface} if interface else {}
    return {
        "metadata": {"name": name, "namespace": "dev", "uid": uid, "annotations": annotations},
        "spec": {"nodeName": "node01"},
        "status": {"phase": phase, "podIP": ip},
    }


def in_cluster(*pods: object, links: LinkTable = LINKS) -> list[tuple[str, int | None, tuple[str, ...]]]:
    found = discover(
        pods=pods,  # type: ignore[arg-type]
        namespaces=[namespace("dev")],
        service_accounts=[],
        links=links,
        node="node01",
        trusts_annotations=False,
    )
    return [(one.interface, one.link, one.ips) for one in found.endpoints]


def test_a_pod_with_several_interfaces_is_an_endpoint_each() -> None:
    assert in_cluster(pod("web")) == [("vethaa", 7, ("10.0.0.1",)), ("vethbb", 8, ("192.168.7.7",))]


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("eth0", ("cali3933bc611db", None)),  # the node's own
        ("vethaa", ("cali3933bc611db", None)),  # another pod's
        ("vethcc", ("vethcc", 9)),  # a pair's end that nobody was found behind
        ("gone", ("cali3933bc611db", None)),
    ],
)
def test_a_pod_of_a_cluster_cannot_claim_an_interface_of_somebody_else(
    claimed: str, expected: tuple[str, int | None]
) -> None:
    ((interface, link, _),) = in_cluster(pod("evil", "10.0.0.66", interface=claimed))
    assert (interface, link) == expected


def test_the_kernel_outranks_an_annotation() -> None:
    assert in_cluster(pod("web", interface="vethcc"))[0][:2] == ("vethaa", 7)


def test_a_pod_made_again_under_its_name_is_another() -> None:
    first, second = (
        discover(pods=[pod("web", uid=uid)], namespaces=[], service_accounts=[]).endpoints[0]  # type: ignore[list-item]
        for uid in ("u1", "u2")
    )
    assert first.id != second.id and first.file_stem == second.file_stem


def test_what_a_finished_pod_was_is_told_for_a_while() -> None:
    ended = pod("job", phase="Succeeded")
    state = {"terminated": {"finishedAt": "2026-11-25T12:00:00Z"}}
    ended["status"]["containerStatuses"] = [{"state": state}]  # type: ignore[index]

    def finished(since: datetime) -> list[tuple[str, tuple[str, ...]]]:
        found = discover(pods=[ended], namespaces=[], service_accounts=[], since=since)  # type: ignore[list-item]
        assert found.endpoints == ()
        return [(one.workload, one.ips) for one in found.finished]

    assert finished(datetime(2026, 11, 25, 11, 59, tzinfo=UTC)) == [("job", ("10.0.0.1",))]
    assert finished(datetime(2026, 11, 25, 12, 1, tzinfo=UTC)) == []
