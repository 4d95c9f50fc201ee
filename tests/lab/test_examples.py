"""The workshop's manifests, as a server takes them: unchanged, under the names its commands use, with its values."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from kodkod.clock import SystemClock
from kodkod.events import in_force
from kodkod.lab import objects, workshop
from kodkod.lab.world import WORKSHOP
from kodkod.logs import query
from kodkod.logs.datasets import EVENTS
from kodkod.logs.query.memory import predicate
from kodkod.resources import kinds
from kodkod.resources.kinds import Kind
from kodkod.resources.selector import parse
from kodkod.server.app import ServerConfig, compose, create_app

EXAMPLES = workshop.examples()
FILES = sorted(EXAMPLES.rglob("*.yaml"))
APPLY = {"Content-Type": "application/apply-patch+yaml"}


def documents(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def spec(file: str, kind: str) -> dict[str, Any]:
    (found,) = [document["spec"] for document in documents(EXAMPLES / file) if document["kind"] == kind]
    return dict(found)


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator of a server that has the lab's namespaces."""
    async with compose(ServerConfig(tmp_path, "127.0.0.1", 9443, "n1"), SystemClock()) as services:
        for namespace in objects.namespaces(WORKSHOP):
            if namespace["metadata"]["name"] != "default":
                await services.resources.create(kinds.NAMESPACE, namespace)
        token = yaml.safe_load((tmp_path / "kubeconfig").read_text())["users"][0]["user"]["token"]
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(services)),
            base_url="https://server",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            yield client


def path_of(document: dict[str, Any], kind: Kind) -> str:
    """Where kubectl writes it, in the namespace `default` when the manifest names none."""
    within = f"/namespaces/{document['metadata'].get('namespace', 'default')}" if kind.namespaced else ""
    return f"/apis/{document['apiVersion']}{within}/{kind.plural}/{document['metadata']['name']}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(EXAMPLES)))
async def test_a_server_takes_every_manifest_as_it_is(admin: httpx.AsyncClient, file: Path) -> None:
    for document in documents(file):
        kind = kinds.by_kind(document["apiVersion"], document["kind"])
        assert kind is not None
        answer = await admin.patch(
            path_of(document, kind),
            params={"fieldManager": "test", "fieldValidation": "Strict", "force": "true"},
            headers=APPLY,
            content=yaml.safe_dump(document),
        )
        assert answer.status_code in (200, 201), answer.text


@pytest.mark.parametrize(
    ("file", "kind", "namespace", "name"),
    [
        ("60-packet-capture/nginx-pcap.yaml", "PacketCapture", "dev", "dev-capture-nginx"),
        ("70-deep-packet-inspection/nginx-dpi.yaml", "DeepPacketInspection", "dev", "nginx-dpi"),
        ("60-deep-packet-inspection/sample-dpi-frontend.yaml", "DeepPacketInspection", None, "sample-dpi-frontend"),
        ("60-deep-packet-inspection/resource-dpi.yaml", "IntrusionDetection", None, "tigera-secure"),
        ("55-network-sets/empty-networkset.yaml", "GlobalNetworkSet", None, "empty-networkset"),
    ],
)
def test_names_are_those_of_the_workshops_commands(file: str, kind: str, namespace: str | None, name: str) -> None:
    (document,) = documents(EXAMPLES / file)
    metadata = document["metadata"]
    assert (document["kind"], metadata.get("namespace"), metadata["name"]) == (kind, namespace, name)


@pytest.mark.parametrize(
    ("file", "name", "dataset", "grouped_by", "metric"),
    [
        (
            "globalnetworkset.changed", "policy.globalnetworkset", "audit",
            ["objectRef.resource", "objectRef.name"], ("count", None),
        ),
        (
            "unsanctioned.dns.access", "dns.unsanctioned.access", "dns",
            ["client_namespace", "client_name_aggr", "qname"], ("count", None),
        ),
        (
            "unsanctioned.lateral.access", "network.lateral.access", "flows",
            ["source_namespace", "source_name_aggr", "dest_namespace", "dest_name_aggr"], ("sum", "num_flows"),
        ),
    ],
)  # fmt: skip
def test_each_alert_comes_with_its_template(
    file: str, name: str, dataset: str, grouped_by: list[str], metric: tuple[str, str | None]
) -> None:
    template, alert = documents(EXAMPLES / "50-alerts" / f"{file}.yaml")
    assert (template["kind"], alert["kind"]) == ("GlobalAlertTemplate", "GlobalAlert")
    assert (template["spec"]["period"], template["spec"]["lookback"]) == ("5m", "5m")
    assert (alert["spec"]["period"], alert["spec"]["lookback"]) == ("1m", "1m")
    for each in (template, alert):
        assert each["metadata"]["name"] == name
        assert (each["spec"]["dataSet"], each["spec"]["aggregateBy"]) == (dataset, grouped_by)
        assert (each["spec"]["metric"], each["spec"].get("field")) == metric
        assert (each["spec"]["severity"], each["spec"]["condition"], each["spec"]["threshold"]) == (100, "gt", 0)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (
            "globalnetworkset.changed",
            "(verb=create OR verb=update OR verb=delete OR verb=patch) AND 'objectRef.resource'=globalnetworksets",
        ),
        ("unsanctioned.dns.access", "qname = 'www.google.com' OR qname = 'google.com'"),
        (
            "unsanctioned.lateral.access",
            "('dest_labels.labels'='security=strict' AND dest_namespace=dev) AND source_namespace!=dev AND "
            "proto=tcp AND ((action=allow AND (reporter=dst OR reporter=src)) OR (action=deny AND reporter=src))",
        ),
    ],
)
def test_an_alert_asks_the_workshops_question_however_it_is_quoted(file: str, expected: str) -> None:
    assert query.parse(spec(f"50-alerts/{file}.yaml", "GlobalAlert")["query"]) == query.parse(expected)


@pytest.mark.parametrize(
    ("file", "kind", "namespace", "selected"),
    [
        ("60-packet-capture/nginx-pcap.yaml", "PacketCapture", "dev", {"dev-nginx"}),
        ("70-deep-packet-inspection/nginx-dpi.yaml", "DeepPacketInspection", "dev", {"dev-nginx"}),
        ("60-deep-packet-inspection/sample-dpi-frontend.yaml", "DeepPacketInspection", "default", {"frontend"}),
    ],
)
def test_a_selector_selects_workloads_of_the_lab(file: str, kind: str, namespace: str, selected: set[str]) -> None:
    selector = parse(spec(file, kind)["selector"])
    own = [workload for workload in WORKSHOP.workloads if workload.namespace == namespace]
    assert {workload.name for workload in own if selector.matches(workload.labels)} == selected


def test_logs_come_quickly_enough_for_the_workshop() -> None:
    assert spec("40-settings/felix.yaml", "FelixConfiguration") == {
        "flowLogsFlushInterval": "10s",
        "dnsLogsFlushInterval": "10s",
        "flowLogsFileAggregationKindForAllowed": 1,
        "flowLogsCollectTcpStats": True,
    }


def test_inspection_is_bounded_as_the_workshop_bounds_it() -> None:
    (component,) = spec("60-deep-packet-inspection/resource-dpi.yaml", "IntrusionDetection")["componentResources"]
    assert component["componentName"] == "DeepPacketInspection"
    assert component["resourceRequirements"] == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "100Mi"},
    }


def test_the_exception_hides_the_load_generator_and_nobody_else() -> None:
    """Somebody applies the whole folder: the alert on lateral movement has to go on telling of everybody else."""
    (hidden,) = in_force(documents(EXAMPLES / "80-exceptions/loadgenerator.yaml"), datetime(2026, 11, 25, tzinfo=UTC))

    def is_hidden(source: str) -> bool:
        event = {"origin": "network.lateral.access", "source_namespace": "default", "source_name_aggr": source}
        return predicate(hidden.hides, EVENTS)(event)

    assert is_hidden("loadgenerator-6c8b9d-*")
    assert not is_hidden("frontend-5d9f-*")
    assert not is_hidden("attacker")
