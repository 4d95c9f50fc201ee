"""The cluster's objects, turned into one index."""

from __future__ import annotations

from kodkod.endpoints.discovery import discover


def namespace(name: str, netns: str = "") -> dict[str, object]:
    annotations = {"kodkod.dev/named-netns": netns} if netns else {}
    return {"metadata": {"name": name, "labels": {"env": name}, "annotations": annotations}}


def test_three_sources_come_together() -> None:
    index = discover(
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
    index = discover(pods=[], namespaces=[namespace("dev")], service_accounts=[], named_netns=["blue"], node="n")
    assert len(index) == 0
