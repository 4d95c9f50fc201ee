"""Which cluster do these tests run on, and what is installed there? Without a cluster nothing here is collected.

`make test-cluster` starts one. By hand: `tests/cluster/local/run STATE .venv/bin/python -m pytest tests/cluster`.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import ground
from tests.cluster.ground import Cluster

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IMAGE = os.environ.get("KODKOD_TEST_IMAGE", f"localhost/kodkod:{VERSION}")
NAMESPACE = "kodkod-system"
RELEASE = "kodkod"

collect_ignore_glob = [] if ground.from_environment() else ["test_*.py"]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster, with at least one node that is ready."""
    found = ground.from_environment()
    assert found is not None, "KODKOD_TEST_KUBECONFIG is not set"
    assert found.nodes()
    return found


@pytest.fixture
def local(cluster: Cluster) -> Cluster:
    """The cluster where nodes can be entered and broken."""
    if cluster.state is None:
        pytest.skip("cluster: only on a local cluster can nodes be entered and broken")
    return cluster


@pytest.fixture(scope="session")
def two_nodes(cluster: Cluster) -> tuple[str, str]:
    """Names of two nodes."""
    names = cluster.nodes()
    if len(names) < 2:
        pytest.skip("cluster: this needs two nodes")
    return names[0], names[1]


@pytest.fixture(scope="session")
def image() -> str:
    """The reference of our image, which the nodes have."""
    return IMAGE


@pytest.fixture(scope="session")
def workshop(cluster: Cluster) -> Cluster:
    """The cluster with the workshop's pods and Services, all ready."""
    cluster.apply(HERE / "workloads/workshop.yaml")
    cluster.wait_rolled_out("deployment/dev-nginx", namespace="dev")
    cluster.wait_rolled_out("deployment/frontend", namespace="default")
    cluster.wait_rolled_out("deployment/loadgenerator", namespace="default")
    cluster.wait_ready("centos", "netshoot", namespace="dev")
    cluster.wait_ready("netshoot", namespace="uat")
    return cluster


@pytest.fixture(scope="session")
def installed(cluster: Cluster, image: str) -> Cluster:
    """The cluster with our chart installed: server, face and agents are ready. It stays; the cluster ends soon."""
    if shutil.which("helm") is None:
        pytest.skip("cluster: helm is not on PATH (the local cluster's build has one)")
    repository, tag = image.rsplit(":", 1)
    settings = {"image.repository": repository, "image.tag": tag, "server.persistence.enabled": "false"}
    values = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    where = ("--namespace", NAMESPACE, "--create-namespace")
    cluster.helm("upgrade", "--install", RELEASE, str(ROOT / "deploy/chart"), *where, *values)
    for workload in ("deployment/kodkod-server", "deployment/kodkod-face", "daemonset/kodkod-agent"):
        cluster.wait_rolled_out(workload, namespace=NAMESPACE)
    return cluster


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test's own, gone afterwards."""
    words = request.node.name.removeprefix("test_").replace("_", "-").partition("[")[0]
    name = f"t-{words}"[:60].rstrip("-")
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After failures: what the cluster looked like."""
    found = ground.from_environment()
    if found is None or not terminalreporter.stats.get("failed", []) + terminalreporter.stats.get("error", []):
        return
    terminalreporter.section("the cluster when the suite ended")
    for question in (("get", "pods", "-A", "-o", "wide"), ("get", "events", "-A", "--sort-by=.lastTimestamp")):
        terminalreporter.write_line("\n".join(found.try_kubectl(*question).stdout.splitlines()[-40:]))
