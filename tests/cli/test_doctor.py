"""The doctor: each fault gets its line and its cure; what may not be looked at is said, not guessed."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kodkod.cli.app import run
from kodkod.cli.doctor import cluster, host, kernel, nodes, registration, workloads
from kodkod.cli.doctor.cluster import Facts, gather, judge
from kodkod.cli.doctor.command import look
from kodkod.cli.doctor.findings import Finding
from kodkod.cli.doctor.reading import Kubectl, Refused, Unreachable
from kodkod.cli.observed import Observed
from kodkod.cli.supervisor import Holder
from kodkod.resources.crds import Origin, definitions
from kodkod.server import certificates

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
Object = dict[str, Any]


def states(found: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(one.check, one.state) for one in found]


# one host


@pytest.mark.parametrize(
    ("release", "state"), [("6.1.0-26-amd64", "ok"), ("5.0", "ok"), ("4.19.0-27", "problem"), ("strange", "unknown")]
)
def test_kernel(release: str, state: str) -> None:
    assert kernel.release_finding(release).state == state


NET_RAW, NET_ADMIN, SYS_ADMIN = 1 << 13, 1 << 12, 1 << 21


@pytest.mark.parametrize(
    ("effective", "opened", "expected"),
    [
        (NET_RAW | NET_ADMIN | SYS_ADMIN, True, ["ok"]),
        (NET_RAW | NET_ADMIN, True, ["ok", "note"]),
        (NET_ADMIN, False, ["problem"]),
        (0, False, ["problem"]),
        (NET_RAW | NET_ADMIN | SYS_ADMIN, False, ["problem"]),
    ],
)
def test_rights(effective: int, opened: bool, expected: list[str]) -> None:
    found = list(kernel.rights_findings(kernel.Rights(effective, opened)))

    assert [one.state for one in found] == expected
    if effective == 0:
        assert "no CAP_NET_RAW and no CAP_NET_ADMIN" in found[0].says


def test_own_rights_are_those_of_this_process() -> None:
    assert 0 <= kernel.own_rights().effective < 1 << 64


def test_the_kernel_is_asked_for_its_clock() -> None:
    assert kernel.is_clock_synchronised() in {True, False}


@pytest.mark.parametrize(("kept", "state"), [(True, "ok"), (False, "note"), (None, "unknown")])
def test_clock(kept: bool | None, state: str) -> None:
    assert kernel.clock_finding(kept).state == state


def test_network_names_whose_interfaces_are_there() -> None:
    found = host.network_finding(["lo", "eth0", "cali0", "cali1", "veth3"], ["blue"])

    assert found.says == "workloads' interfaces: 2 of Calico, 1 of a bridge, 1 named network namespaces"
    assert host.network_finding(["lo", "eth0"], []).state == "note"


def test_a_damaged_database_is_found(tmp_path: Path) -> None:
    path = tmp_path / "resources.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (x)")
        connection.executemany("insert into t values (?)", [("y" * 500,)] * 200)
    connection.close()
    assert host.database_finding(path).state == "ok"

    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(content)
    found = host.database_finding(path)
    assert found.state == "problem"
    assert "backup" in found.cure


def test_certificates_that_end_soon(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    folder.mkdir()
    authority = certificates.authority(NOW)
    (folder / "ca.crt").write_bytes(authority[0])
    assert states(host.certificate_findings(tmp_path, NOW)) == [("certificates", "ok")]

    leaf, _ = certificates.signed(authority, "x", NOW, is_server=True, valid_for=timedelta(days=5))
    (folder / "server.crt").write_bytes(leaf)
    (soon,) = host.certificate_findings(tmp_path, NOW)
    assert soon.state == "problem"
    assert soon.says == "server.crt is the first to end, 2026-11-30"

    (folder / "node.crt").write_text("no certificate")
    assert [one.state for one in host.certificate_findings(tmp_path, NOW)] == ["problem", "problem"]


def test_processes() -> None:
    report: Object = {
        "metadata": {"name": "n1-agent"},
        "spec": {"node": "n1", "role": "agent"},
        "status": {"ready": True, "endpoints": 2, "packets": 9},
    }
    well = Observed(True, "127.0.0.1:1", [report])
    assert states(host.process_findings(well, Holder(1, ""))) == [("server", "ok"), ("agent", "ok")]

    ill = Observed(True, "", [report], reasons=["n1-inspector is silent since 12:00"])
    assert states(host.process_findings(ill, Holder(1, "")))[-1] == ("observed", "problem")
    assert states(host.process_findings(Observed(False, reasons=["refused"]), Holder(7, ""))) == [("server", "problem")]
    assert states(host.process_findings(Observed(False), None)) == [("server", "note")]


def test_a_host_where_nothing_was_started(tmp_path: Path) -> None:
    found = list(host.findings(tmp_path / "none", NOW))

    assert found[-1].check == "server"
    assert found[-1].cure == "kodkod up"
    assert not (tmp_path / "none").exists()


# a cluster


def condition(kind: str, status: str = "True", **rest: str) -> Object:
    return {"conditions": [{"type": kind, "status": status, **rest}]}


def api_service(
    name: str = "v3.projectcalico.org",
    *,
    by: str = "kodkod-system/kodkod-face",
    available: bool = True,
    automatic: bool = False,
) -> Object:
    namespace, _, service = by.partition("/")
    target = {"service": {"namespace": namespace, "name": service}} if by else {}
    status = condition("Available", str(available), reason="MissingEndpoints", message="no addresses")
    labels = {"kube-aggregator.kubernetes.io/automanaged": "true"} if automatic else {}
    return {"metadata": {"name": name, "labels": labels}, "spec": {**target, "caBundle": "eA=="}, "status": status}


def server_of(mode: str, ready: int = 1) -> Object:
    container = {"name": "kodkod-server", "env": [{"name": "KODKOD_API_MODE", "value": mode}]}
    return {
        "metadata": {"name": "kodkod-server"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
        "status": {"readyReplicas": ready},
    }


def established(mode: str) -> list[Object]:
    is_public = mode == "v3-crds"
    return [
        {"metadata": {"name": one.name}, "status": condition("Established")}
        for one in definitions()
        if (one.origin in {Origin.PUBLIC, Origin.PUBLIC_CALICO}) == is_public or "crd." not in one.name
    ]


CALICO = "calico-apiserver/calico-api"


@pytest.mark.parametrize(
    ("service", "mode", "state", "cure"),
    [
        (api_service(), "aggregated", "ok", ""),
        (api_service(by=CALICO), "aggregated", "problem", "api.mode=crd-only"),
        (api_service(by=CALICO), "crd-only", "note", ""),
        (api_service(by="", automatic=True), "v3-crds", "ok", ""),
        (api_service(by="", automatic=True), "aggregated", "problem", "api.mode=v3-crds"),
        (None, "aggregated", "problem", "helm upgrade"),
        (None, "crd-only", "note", "api.mode=aggregated"),
    ],
)
def test_who_serves_the_public_group(service: Object | None, mode: str, state: str, cure: str) -> None:
    (found,) = registration.public_finding(service, mode)

    assert found.state == state
    assert cure in found.cure


@pytest.mark.parametrize("mode", ["aggregated", "v3-crds", "crd-only"])
def test_a_sound_registration(mode: str) -> None:
    service = {
        "aggregated": api_service(),
        "v3-crds": api_service(by="", automatic=True),
        "crd-only": api_service(by=CALICO),
    }[mode]
    found = registration.findings([service], established(mode), [], [server_of(mode)])

    assert states(found) == [("api", "note" if mode == "crd-only" else "ok"), ("definitions", "ok")]


def test_a_dead_api_and_the_namespaces_it_holds() -> None:
    stuck = {"metadata": {"name": "dev", "deletionTimestamp": "2026-11-25T11:00:00Z"}}
    foreign = api_service("v1beta1.metrics.k8s.io", by="kube-system/metrics-server", available=False)
    ours = api_service(available=False)

    theirs, own = registration.dead_findings(
        [api_service("v1.apps", by=""), foreign, ours], registration.stuck([stuck])
    )

    assert theirs.state == own.state == "problem"
    assert "v1beta1.metrics.k8s.io is dead (MissingEndpoints: no addresses); it keeps dev in Terminating" in theirs.says
    assert "kubectl delete apiservice v1beta1.metrics.k8s.io" in theirs.cure
    assert "one ready replica is enough" in own.cure


def test_a_face_that_has_not_published_its_authority() -> None:
    young = api_service(available=False)
    del young["spec"]["caBundle"]

    assert "caBundle" in registration.cure_of(young)


def test_an_api_that_says_nothing_of_itself() -> None:
    silent = api_service(available=False)
    silent["status"] = condition("Available", "False")
    unheard = api_service(available=False)
    unheard["status"] = {}

    said = [one.says for one in registration.dead_findings([silent, unheard], [])]
    assert "is dead (unknown: )" in said[0]
    assert "is dead (NotChecked: " in said[1]


def test_namespaces_held_by_finalizers_alone_are_no_problem() -> None:
    (found,) = registration.dead_findings([api_service()], ["dev"])

    assert found.state == "note"


def test_definitions_that_are_missing_or_refused() -> None:
    crds = established("aggregated")
    crds[0]["status"] = condition("Established", "False")
    found = list(registration.definition_findings(crds[:-1], "aggregated"))

    assert states(found) == [("definitions", "problem"), ("definitions", "problem")]
    assert crds[-1]["metadata"]["name"] in found[0].says
    assert crds[0]["metadata"]["name"] in found[1].says


def test_clocks_of_nodes() -> None:
    def lease(name: str, seconds: float) -> Object:
        stamp = (NOW + timedelta(seconds=seconds)).isoformat()
        return {"metadata": {"name": name}, "spec": {"renewTime": stamp}}

    assert states(nodes.clock_findings([lease("a", -8)], NOW)) == [("clock", "ok")]
    ahead, away = nodes.clock_findings([lease("a", 30), lease("b", -100), lease("c", -1)], NOW)
    assert (ahead.state, ahead.says) == ("problem", "node a is 30 s ahead of the API server")
    assert away.state == "note"
    assert states(nodes.clock_findings([], None)) == [("clock", "unknown")]


def test_kernels_of_nodes() -> None:
    def node(name: str, release: str, system: str = "linux") -> Object:
        return {
            "metadata": {"name": name},
            "status": {"nodeInfo": {"kernelVersion": release, "operatingSystem": system}},
        }

    found = list(nodes.kernel_findings([node("a", "6.1.0"), node("b", "4.18.0"), node("w", "10.0.20348", "windows")]))
    assert states(found) == [("kernel", "problem"), ("kernel", "ok")]
    assert "on b" in found[0].says


@pytest.mark.parametrize(
    ("daemon", "felix", "expected"),
    [
        ("calico-node", [], [("ok", "Calico")]),
        ("cilium", [], [("note", "Cilium: its BPF")]),
        ("something", [], [("note", "no network plugin is known")]),
        (
            "calico-node",
            [{"metadata": {"name": "default"}, "spec": {"bpfRedirectToPeer": "Enabled"}}],
            [("ok", "Calico"), ("note", "FelixConfiguration default has bpfRedirectToPeer")],
        ),
    ],
)
def test_network_plugins(daemon: str, felix: list[Object], expected: list[tuple[str, str]]) -> None:
    found = list(nodes.network_findings([{"metadata": {"name": daemon}}], felix))

    assert len(found) == len(expected)
    for one, (state, says) in zip(found, expected, strict=True):
        assert one.state == state
        assert one.says.startswith(says)


def report(node: str = "n1", **status: Any) -> Object:
    return {
        "metadata": {"name": f"{node}-agent"},
        "spec": {"node": node, "role": "agent"},
        "status": {"ready": True, **status},
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, ("reports", "ok")),
        ({"ready": False}, ("reports", "problem")),
        ({"warnings": ["x"]}, ("reports", "note")),
        ({"disk": {"freeBytes": 1, "totalBytes": 100}}, ("disk", "problem")),
        ({"disk": {"pressure": True}}, ("disk", "problem")),
        ({"spool": {"lost": 3}}, ("stores", "problem")),
        ({"rules": {"skipped": 2}}, ("rules", "note")),
    ],
)
def test_reports(status: Object, expected: tuple[str, str]) -> None:
    node = {"metadata": {"name": "n1"}, "status": condition("Ready")}

    assert states(nodes.report_findings([report(**status)], [node])) == [expected]


def test_a_node_without_a_report() -> None:
    there = [{"metadata": {"name": name}, "status": condition("Ready", ready)} for name, ready in (("n1", "True"),)]
    away = {"metadata": {"name": "n2"}, "status": condition("Ready", "False")}
    (found,) = nodes.report_findings([], [*there, away])

    assert found.says == "no agent has reported from n1"


def pod(app: str, reason: str = "", ended: str = "") -> Object:
    state = {"waiting": {"reason": reason}} if reason else {"running": {}}
    last = {"terminated": {"reason": ended, "exitCode": 137}} if ended else {}
    return {
        "metadata": {"name": f"{app}-x", "labels": {"k8s-app": app}},
        "spec": {"nodeName": "n1"},
        "status": {"containerStatuses": [{"ready": not reason, "state": state, "lastState": last}]},
    }


@pytest.mark.parametrize(
    ("reason", "ended", "cure"),
    [
        ("ImagePullBackOff", "", "image.repository"),
        ("CrashLoopBackOff", "OOMKilled", "more memory"),
        ("CrashLoopBackOff", "Error", "logs --previous"),
    ],
)
def test_a_server_that_does_not_start(reason: str, ended: str, cure: str) -> None:
    server, face = workloads.deployment_findings([server_of("aggregated", 0)], [pod("kodkod-server", reason, ended)])

    assert server.state == face.state == "problem"
    assert f"0 of 1 ready; kodkod-server-x on n1: {reason}" in server.says
    assert cure in server.cure
    assert "there is no Deployment kodkod-system/kodkod-face" in face.says


def test_a_server_that_no_node_takes() -> None:
    waits = {
        "metadata": {"name": "kodkod-server-x", "labels": {"k8s-app": "kodkod-server"}},
        "spec": {},
        "status": condition("PodScheduled", "False", message="unbound volume"),
    }
    server, _ = workloads.deployment_findings([server_of("aggregated", 0)], [waits])

    assert "kodkod-server-x is not scheduled: unbound volume" in server.says
    assert "which node lacks what" in server.cure


def test_daemons() -> None:
    daemon = {
        "metadata": {"namespace": "kodkod-system", "name": "kodkod-agent"},
        "status": {"desiredNumberScheduled": 2, "numberReady": 1},
    }
    name = ("kodkod-system", "kodkod-agent")
    (found,) = workloads.daemon_findings("agent", name, [daemon], [pod("kodkod-agent", "CrashLoopBackOff")])
    assert found.says == "ready on 1 of 2 nodes; kodkod-agent-x on n1: CrashLoopBackOff"

    daemon["status"] = {"desiredNumberScheduled": 2, "numberReady": 2}
    assert states(workloads.daemon_findings("agent", name, [daemon], [])) == [("agent", "ok")]
    assert states(workloads.daemon_findings("agent", name, [], [])) == [("agent", "problem")]
    assert states(workloads.inspector_findings([], [], [])) == [("inspector", "ok")]
    assert states(workloads.inspector_findings([{}], [], [])) == [("inspector", "problem")]


def test_pod_security() -> None:
    def namespace(name: str, level: str | None) -> Object:
        return {"metadata": {"name": name, "labels": {workloads.ENFORCE: level} if level else {}}}

    found = workloads.security_findings([namespace("kodkod-system", "restricted"), namespace("tigera-dpi", None)])
    assert [one.state for one in found] == ["problem", "note"]
    assert states(workloads.security_findings([])) == [("rights", "problem")]


def test_volumes() -> None:
    def claim(phase: str) -> Object:
        return {"metadata": {"name": "kodkod-server"}, "status": {"phase": phase}}

    assert states(workloads.claim_findings([claim("Bound")])) == [("stores", "ok")]
    assert states(workloads.claim_findings([claim("Pending")])) == [("stores", "problem")]
    assert states(workloads.claim_findings([])) == [("stores", "note")]


@pytest.mark.parametrize(("minor", "state"), [("37", "ok"), ("30+", "ok"), ("29", "problem")])
def test_versions(minor: str, state: str) -> None:
    assert cluster.version_finding({"major": "1", "minor": minor, "gitVersion": "v"}).state == state


def test_what_may_not_be_read_is_said() -> None:
    facts = Facts({"major": "1", "minor": "37"}, NOW, {}, dict.fromkeys(cluster.PATHS, "Error from server (Forbidden)"))
    found = list(judge(facts))

    assert {one.state for one in found[1:]} == {"unknown"}
    assert all("Forbidden" in one.says for one in found[1:])


class Small:
    """A cluster of which one kind may not be read, and which keeps v3 as CRDs."""

    def get(self, path: str) -> Object | None:
        if path.endswith("/nodes"):
            raise Refused("no")
        if "/crd.projectcalico.org/" in path:
            return None
        return {"items": [{"path": path}]}

    def now(self) -> datetime:
        return NOW


def test_gathering() -> None:
    facts = gather(Small())

    assert facts.refused == {"nodes": "no"}
    assert facts.items("inspections") == [{"path": "/apis/projectcalico.org/v3/deeppacketinspections"}]
    assert facts.now == NOW


# by kubectl


def kubectl(folder: Path, script: str) -> Kubectl:
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return Kubectl(folder / "config", "one", str(program))


def test_kubectl_is_asked_with_the_given_kubeconfig(tmp_path: Path) -> None:
    reader = kubectl(tmp_path, """printf '{"asked": "%s"}' "$*" """)

    assert reader.get("/version") == {
        "asked": f"--request-timeout=10s --kubeconfig={tmp_path}/config --context=one get --raw /version"
    }


def test_kubectl_tells_the_time(tmp_path: Path) -> None:
    answer = json.dumps({"metadata": {"creationTimestamp": "2026-11-25T12:00:00Z"}})

    assert kubectl(tmp_path, f"cat >/dev/null; echo '{answer}'").now() == NOW
    with pytest.raises(Refused):
        kubectl(tmp_path, "cat >/dev/null; echo '{}'").now()


def test_answers_of_kubectl_that_are_none(tmp_path: Path) -> None:
    assert kubectl(tmp_path, "echo 'Error from server (NotFound): x' >&2; exit 1").get("/a") is None
    with pytest.raises(Refused, match="Forbidden"):
        kubectl(tmp_path, "echo 'Error from server (Forbidden): x' >&2; exit 1").get("/a")
    with pytest.raises(Unreachable, match="refused"):
        kubectl(tmp_path, "echo 'The connection to the server was refused' >&2; exit 1").get("/a")
    with pytest.raises(Unreachable, match="no kubectl"):
        Kubectl(program=str(tmp_path / "none")).get("/a")


def test_outside_of_a_cluster_there_is_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)

    with pytest.raises(Unreachable, match="KUBERNETES_SERVICE_HOST"):
        list(look(None, None, "", in_cluster=True))


# the command


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run("doctor", arguments)
    return int(ended.value.code or 0), capsys.readouterr().out


def test_one_document_and_an_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told(["--data", str(tmp_path), "-o", "json"], capsys)

    found = json.loads(out)
    assert {"check", "state", "says", "cure"} == found[0].keys()
    assert code == int(any(one["state"] == "problem" for one in found))


def test_one_line_a_check_and_the_sum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pki = tmp_path / "pki"
    pki.mkdir()
    (pki / "ca.crt").write_text("nothing")
    (tmp_path / "kubeconfig").write_text("nothing")

    code, out = told(["--data", str(tmp_path)], capsys)

    assert code == 1
    assert "problem  certificates" in out
    assert out.splitlines()[-1].endswith("to mend")


def test_a_cluster_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert told(["--kubeconfig", str(tmp_path / "none")], capsys)[0] == 3
