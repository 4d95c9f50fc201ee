"""Do both texts of the workshop happen on a real cluster, verbatim, with stock kubectl, on pods of two nodes?"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cluster.ground import Cluster

from kodkod.lab import workshop as workplace
from kodkod.lab.journey import runner, texts

SERVER = "kodkod-server.kodkod-system.svc:9443"
ANALYST = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: analyst, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: workshop-analyst}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: analyst, namespace: default}]
"""


@pytest.fixture
def environment(installed: Cluster, workshop: Cluster, two_nodes: tuple[str, str], tmp_path: Path) -> dict[str, str]:
    """What a participant has at hand: kubectl's configuration, the manifests, and curl's way to the server."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / "demo").symlink_to(workplace.examples())
    installed.apply(ANALYST)
    address = installed.get("service", "kodkod-server", namespace="kodkod-system")["spec"]["clusterIP"]
    authority = tmp_path / "ca.crt"
    authority.write_text(installed.get("configmap", "kodkod-ca", namespace="kodkod-system")["data"]["ca.crt"])
    settings = tmp_path / "curlrc"
    settings.touch(mode=0o600)
    settings.write_text(
        f'header = "Authorization: Bearer {installed.token("default", "analyst")}"\ncacert = "{authority}"\n'
        f'connect-to = "{SERVER}:{address}:9443"\n'
    )
    start = datetime.now(UTC) - timedelta(seconds=1)
    return {
        **os.environ,
        "KUBECONFIG": str(installed.kubeconfig),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "KODKOD_URL": f"https://{SERVER}",
        "KODKOD_CURL": str(settings),
        "KODKOD_BIN": str(programs),
        "JOURNEY_START": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def test_both_texts_happen(environment: dict[str, str], tmp_path: Path) -> None:
    walked = runner.perform(texts.both(texts.STARTER, nodes=2), environment, tmp_path, sys.stdout)

    assert walked.whole, f"missed: {walked.missed}"
