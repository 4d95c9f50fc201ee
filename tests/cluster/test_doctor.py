"""The doctor on a real cluster: with a kubeconfig, in the server's pod, and when an API is dead."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.cluster.conftest import NAMESPACE
from tests.cluster.ground import Cluster, Object


def examined(cluster: Cluster) -> tuple[int, list[Object]]:
    command = [sys.executable, "-m", "kodkod.cli.app", "doctor", "--kubeconfig", str(cluster.kubeconfig), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found: list[Object] = json.loads(done.stdout)
    return done.returncode, found


def problems(found: list[Object]) -> list[str]:
    return [f"{one['check']}: {one['says']}" for one in found if one["state"] == "problem"]


def test_a_sound_cluster(installed: Cluster) -> None:
    """Reports of a process that has just started may be a moment away."""
    installed.wait_for("all well", lambda: examined(installed)[0] == 0, within_s=60)

    _, found = examined(installed)
    assert problems(found) == []
    assert {one["check"] for one in found} >= {
        "kubernetes",
        "kernel",
        "api",
        "definitions",
        "admission",
        "clock",
        "server",
    }
    assert not [one for one in found if one["state"] == "unknown"]


def test_from_inside_the_server(installed: Cluster) -> None:
    said = installed.kubectl(
        "-n", NAMESPACE, "exec", "deployment/kodkod-server", "--", "kodkod", "doctor", "--in-cluster", "-o", "json"
    )

    found = json.loads(said)
    assert [one for one in found if one["state"] == "unknown"] == []


@pytest.fixture
def dead_api(cluster: Cluster) -> Iterator[str]:
    """An APIService whose server is gone, and a namespace that somebody deletes meanwhile."""
    name = "v1.gone.example.org"
    service = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": name},
        "spec": {
            "group": "gone.example.org", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": {"name": "gone", "namespace": "default"}, "insecureSkipTLSVerify": True,
        },
    }  # fmt: skip
    cluster.apply(json.dumps(service))
    cluster.kubectl("create", "namespace", "held")
    yield name
    cluster.kubectl("delete", "apiservice", name, "--ignore-not-found")
    cluster.kubectl("delete", "namespace", "held", "--ignore-not-found", "--wait=false")


def test_a_dead_api_is_named_with_what_it_holds_and_the_cure_works(installed: Cluster, dead_api: str) -> None:
    installed.wait_for(
        "the API server knows that it is dead",
        lambda: (
            "False" in installed.kubectl("get", "apiservice", dead_api, "-o", "jsonpath={.status.conditions[*].status}")
        ),
    )
    installed.kubectl("delete", "namespace", "held", "--wait=false")

    def told() -> Object | None:
        _, found = examined(installed)
        return next((one for one in found if dead_api in one["says"] and "held in Terminating" in one["says"]), None)

    finding = installed.wait_for("the doctor names it", told, within_s=60)
    assert finding is not None
    assert finding["state"] == "problem"
    assert f"kubectl delete apiservice {dead_api}" in finding["cure"]

    installed.kubectl("delete", "apiservice", dead_api)
    gone = ("get", "namespace", "held", "--ignore-not-found")
    installed.wait_for("the namespace is gone", lambda: installed.kubectl(*gone) == "", within_s=60)
