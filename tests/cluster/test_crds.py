"""The definitions on a real API server: taken, defaulting, and refusing in the words of the embedded API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.ground import Cluster, Object

from kodkod.resources import kinds
from kodkod.resources.kinds.calico import CRD_GROUP
from kodkod.resources.kinds.operator import DEFAULT_RESOURCES

ROOT = Path(__file__).parents[2]
CRDS = ROOT / "deploy/crds"
REFUSED = yaml.safe_load((ROOT / "tests/deploy/refused.yaml").read_text())
BY_NAME = {kind.kind: kind for kind in kinds.ALL}
TAKEN: list[Object] = [
    {"kind": "PacketCapture", "spec": {"filters": [{"protocol": "TCP", "ports": [80, "443", "8000:8080"]}, {}]}},
    {"kind": "PacketCapture", "spec": {"filters": [{"protocol": 6}, {"protocol": "17", "ports": ["53:53"]}]}},
    {"kind": "PacketCapture", "spec": {"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:01Z"}},
    {"kind": "DeepPacketInspection", "spec": {"selector": "app == 'web'"}},
    {"kind": "GlobalAlert", "spec": {"description": "d", "severity": 100, "dataSet": "dns", "period": "1h30m"}},
    {"kind": "GlobalAlert", "spec": {"description": "d", "severity": 1, "type": "AnomalyDetection"}},
    {"kind": "GlobalThreatFeed", "spec": {"content": "IPSet", "pull": {"http": {"url": "https://a"}}}},
    {
        "kind": "SecurityEventWebhook",
        "spec": {
            "consumer": "Slack",
            "state": "Enabled",
            "query": "",
            "config": [{"name": "url", "value": "https://a"}],
        },
    },
    {"kind": "FelixConfiguration", "spec": {"captureMaxFiles": 3, "somebodyElses": {"setting": True}}},
    {"kind": "WorkloadEndpoint", "spec": {"node": "n", "interface": "eth1", "addresses": ["10.0.0.1", "2001:db8::1"]}},
]


def written(case: Object) -> str:
    """The case as a manifest of the group in which a cluster keeps it."""
    kind = BY_NAME[case["kind"]]
    version = str(CRD_GROUP) if CRD_GROUP in kind.also else kind.api_version
    metadata = {"name": case.get("name", "x"), **({"namespace": "default"} if kind.namespaced else {})}
    return json.dumps({"apiVersion": version, "kind": kind.kind, "metadata": metadata, "spec": case["spec"]})


def test_every_definition_is_taken(cluster: Cluster) -> None:
    for folder in (CRDS, CRDS / "calico", CRDS / "v3", CRDS / "v3-calico"):
        count = len(list(folder.glob("*.yaml")))
        said = cluster.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", str(folder))
        assert said.count("server dry run") == count > 0


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['kind']}-{case['says'][0][:40]}")
def test_what_is_refused(installed: Cluster, case: dict[str, Any]) -> None:
    done = installed.try_kubectl("create", "--dry-run=server", "-f", "-", stdin=written(case))

    assert done.returncode != 0
    for text in case["says"]:
        assert text in done.stderr


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case["kind"])
def test_what_is_taken(installed: Cluster, case: dict[str, Any]) -> None:
    installed.kubectl("create", "--dry-run=server", "-f", "-", stdin=written(case))


def test_bounds_of_the_inspector_are_filled_in(installed: Cluster) -> None:
    text = written({"kind": "IntrusionDetection", "name": "tigera-secure", "spec": {}})
    made = json.loads(installed.kubectl("apply", "--dry-run=server", "-o", "json", "-f", "-", stdin=text))

    assert made["spec"]["componentResources"][0]["resourceRequirements"] == DEFAULT_RESOURCES


def test_status_is_a_door_of_its_own(installed: Cluster, namespace: str) -> None:
    capture = {"kind": "PacketCapture", "spec": {"startTime": "2099-01-01T00:00:00Z"}}
    document = json.loads(written(capture)) | {"status": {"state": "Error"}}
    document["metadata"]["namespace"] = namespace
    made = json.loads(installed.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(document)))

    assert "state" not in made.get("status", {})
    assert made["metadata"]["generation"] == 1
