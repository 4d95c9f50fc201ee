"""Where projectcalico.org/v3 is somebody else's: files under a group of our own, everything else on the CRDs."""

import json
import random
from collections.abc import Iterator

import pytest

from .kubernetes import Installed, api_server, install

CAPTURE = """
apiVersion: crd.projectcalico.org/v1
kind: PacketCapture
metadata: {name: c, namespace: dev}
spec: {selector: all()}
"""
FILES = "/apis/data.kodkod.dev/v1/namespaces/dev/packetcaptures/c/files"


@pytest.fixture(scope="module")
def crd_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with api_server(tmp_path_factory.mktemp("kubernetes")) as server:
        host = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        install(server, host, "crd-only")
        with Installed(server, host, "crd-only").running() as found:
            yield found


def test_files_are_had_with_the_right_to_them(crd_only: Installed) -> None:
    k = crd_only.api.kubectl
    k("apply", "-f", "-", stdin=CAPTURE)
    assert json.loads(k("get", "--raw", FILES))["items"] == []
    assert "NotFound" in k("get", "--raw", FILES.replace("/c/", "/none/"), check=False)
    assert "Forbidden" in k("get", "--raw", FILES, user="alice", check=False)
    k("create", "rolebinding", "a", "--clusterrole=kodkod-packets", "--user=alice", "-n", "dev")
    assert json.loads(k("get", "--raw", FILES, user="alice"))["items"] == []
    assert "Forbidden" in k("get", "--raw", FILES.replace("/dev/", "/prod/"), user="alice", check=False)


def test_discovery_is_whole_and_names_captures_once(crd_only: Installed) -> None:
    listed = crd_only.api.kubectl("api-resources", "-o", "name").splitlines()
    assert [name for name in listed if name.startswith("packetcaptures")] == ["packetcaptures.crd.projectcalico.org"]
    resources = json.loads(crd_only.api.kubectl("get", "--raw", "/apis/data.kodkod.dev/v1"))["resources"]
    assert [one["name"] for one in resources] == ["packetcaptures/files"]
    assert "projectcalico.org/v3" not in crd_only.api.kubectl("api-versions").splitlines()


def test_the_console_writes_to_what_is_stored(crd_only: Installed) -> None:
    path = "/apis/projectcalico.org/v3/namespaces/dev/packetcaptures"
    body = {"apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", "metadata": {"name": "by-console"}}
    status, made = crd_only.ask("admin-token", "POST", path, {**body, "spec": {"selector": "all()"}})
    assert (status, made["apiVersion"]) == (201, "projectcalico.org/v3")
    assert "by-console" in crd_only.api.kubectl("get", "packetcaptures.crd.projectcalico.org", "-n", "dev")
