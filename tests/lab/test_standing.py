"""The lab as it stands: real pods behind a real server, seen through kubectl, and gone without a trace.

All of it lives in a network namespace of the test's own, so no lab of this machine is in the way or at risk, and what
is left behind is exactly what that namespace still holds.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kodkod.lab import node, state, world
from kodkod.lab.errors import LabError
from kodkod.testing.scenarios import free_port

pytestmark = [pytest.mark.netns, pytest.mark.kubectl]

WITHIN_S = 150
PODS = {
    "default": ["frontend", "loadgenerator"],
    "dev": ["centos", "dev-nginx", "dev-nginx", "netshoot"],
    "uat": ["netshoot"],
}


class Host:
    """A network of its own with a server in it. `holder` keeps the network; it ends with the test."""

    def __init__(self, data: Path, holder: int) -> None:
        self.data = data
        self._enter = ["nsenter", f"--net=/proc/{holder}/ns/net", "--"]
        self._environment = {**os.environ, "KUBECONFIG": str(data / "kubeconfig"), "HOME": str(data)}

    def start_server(self) -> subprocess.Popen[bytes]:
        with (self.data / "server.log").open("wb") as log:
            return subprocess.Popen(
                [*self._enter, sys.executable, "-m", "kodkod.cli.app", "server", "--data", str(self.data),
                 "--listen", f"127.0.0.1:{free_port()}", "--node", "n1"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment,
            )  # fmt: skip

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self._enter, *command],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.logs()}"
        return done

    def lab(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command, *options = words
        return self.run(
            sys.executable, "-m", "kodkod.cli.app", "lab", command, "--data", str(self.data), *options, check=check
        )

    def kubectl(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("kubectl", *words, check=check)

    def inside(self, namespace: str, pod: str, script: str) -> subprocess.CompletedProcess[str]:
        """What a shell in a pod says, through kubectl exec."""
        return self.kubectl("-n", namespace, "exec", pod, "--", "sh", "-c", script, check=False)

    def pods(self) -> list[dict[str, Any]]:
        listed = json.loads(self.kubectl("get", "pods", "-A", "-l", "kodkod.dev/lab", "-o", "json").stdout)
        items: list[dict[str, Any]] = listed["items"]
        return items

    def traces(self) -> set[str]:
        """Everything in this network, and every process that belongs to this data folder, the server left out."""
        links = {f"link {link['ifname']}" for link in json.loads(self.run("ip", "-j", "link").stdout)}
        routes = {f"route {line}" for line in self.run("ip", "route").stdout.splitlines()}
        tables = {f"nft {line}" for line in self.run("nft", "list", "tables").stdout.splitlines()}
        return links | routes | tables | {f"process {words}" for words in self._processes()}

    def _processes(self) -> Iterator[str]:
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if f"{self.data}/lab" in words or ("kodkod.lab" in words and str(self.data) in words):
                yield words

    def logs(self) -> str:
        files = [self.data / "server.log", self.data / "lab" / "daemon.log"]
        return "".join(f"\n{file.name}:\n{file.read_text()[-2000:]}" for file in files if file.is_file())


def wait_for(fact: Any) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    try:
        node.require()
    except LabError as refused:
        pytest.skip(f"{refused}; {refused.hint}")
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on this machine")
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None, "asked for above"
    if holder.stdout.readline() != "up\n":
        pytest.skip(f"no right to make a network namespace: {holder.communicate()[1].strip()}")
    made = Host(tmp_path_factory.mktemp("lab"), holder.pid)
    server = made.start_server()
    try:
        wait_for(
            lambda: (made.data / "kubeconfig").is_file() and made.kubectl("get", "ns", check=False).returncode == 0
        )
        yield made
        made.lab("down", check=False)
    finally:
        server.terminate()
        server.wait(WITHIN_S)
        holder.communicate(timeout=WITHIN_S)


@pytest.fixture
def standing(host: Host) -> Host:
    """A lab that is up; coming up twice is as good as once."""
    host.lab("up")
    return host


def test_when_up_returns_every_pod_runs_in_the_api(standing: Host) -> None:
    found: dict[str, list[str]] = {}
    for pod in standing.pods():
        name = pod["metadata"].get("generateName", pod["metadata"]["name"])
        found.setdefault(pod["metadata"]["namespace"], []).append(
            name.removesuffix(f"-{pod['metadata']['labels'].get('pod-template-hash', '')}-")
        )
        assert pod["status"]["phase"] == "Running"
        assert {each["type"]: each["status"] for each in pod["status"]["conditions"]}["Ready"] == "True"
    assert {namespace: sorted(names) for namespace, names in found.items()} == PODS
    assert standing.lab("status").returncode == 0


def test_every_pod_has_the_interface_that_it_names(standing: Host) -> None:
    links = {link["ifname"] for link in json.loads(standing.run("ip", "-j", "link").stdout)}
    assert {pod["metadata"]["annotations"]["kodkod.dev/interface"] for pod in standing.pods()} <= links


@pytest.mark.parametrize(
    ("namespace", "pod", "target", "title"),
    [
        pytest.param("dev", "centos", "http://nginx-svc", "dev-nginx of dev", id="own namespace"),
        pytest.param("uat", "netshoot", "http://nginx-svc", "dev-nginx of dev", id="from uat"),
        pytest.param("dev", "netshoot", "http://frontend.default", "frontend of default", id="another namespace"),
        pytest.param("dev", "netshoot", "http://www.google.com", "The outside world", id="outside"),
    ],
)
def test_a_pod_reaches_a_web_server_by_name(standing: Host, namespace: str, pod: str, target: str, title: str) -> None:
    answer = standing.inside(namespace, pod, f"curl -m5 -s {target}")
    assert (answer.returncode, f"<title>{title}</title>" in answer.stdout) == (0, True), answer


def test_a_name_of_nobody_does_not_exist(standing: Host) -> None:
    assert standing.inside("dev", "netshoot", "curl -m5 -s http://kodkod.invalid").returncode == 6


def test_the_shop_is_reached_from_outside_of_the_cluster(standing: Host) -> None:
    address = standing.kubectl(
        "get", "svc", "frontend-external", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}"
    ).stdout
    assert "<title>frontend of default</title>" in standing.run("curl", "-m5", "-s", f"http://{address}:80/").stdout


def test_a_server_sees_its_clients_own_address(standing: Host) -> None:
    (own,) = [pod["status"]["podIP"] for pod in standing.pods() if pod["metadata"]["name"] == "centos"]
    standing.inside("dev", "centos", "curl -m5 -s 'http://nginx-svc/?a-word-to-find'")
    said = standing.kubectl("-n", "dev", "logs", "-l", "app=nginx", "--tail=200").stdout
    (line,) = [line for line in said.splitlines() if "a-word-to-find" in line]
    assert line.startswith(f"{own} ")


def test_the_workloads_traffic_can_be_read_in_their_logs(standing: Host) -> None:
    wait_for(lambda: "200 http://nginx-svc" in standing.kubectl("-n", "dev", "logs", "centos").stdout)


def test_logs_have_times_a_beginning_and_no_previous_container(standing: Host) -> None:
    stamped = standing.kubectl("-n", "dev", "logs", "netshoot", "--timestamps", "--tail=1").stdout
    assert re.match(r"20\d\d-\d\d-\d\dT[\d:.]+Z \d{3} http://nginx-svc\n", stamped), stamped
    whole = standing.kubectl("-n", "dev", "logs", "netshoot").stdout.splitlines()
    assert 0 <= len(standing.kubectl("-n", "dev", "logs", "netshoot", "--since=1s").stdout.splitlines()) < len(whole)
    refused = standing.kubectl("-n", "dev", "logs", "netshoot", "--previous", check=False)
    assert (refused.returncode, "previous terminated container" in refused.stderr) == (1, True), refused.stderr


def test_a_command_has_the_pods_user_processes_and_files_only(standing: Host) -> None:
    user = standing.inside("dev", "centos", "id -u; hostname; grep CapBnd /proc/self/status").stdout.split()
    assert user == [str(world.POD_USER), "centos", "CapBnd:", "0" * 16]
    processes = standing.inside("dev", "centos", "cat /proc/1/cmdline | tr '\\0' ' '").stdout
    assert "pod.py" in processes
    assert standing.inside("dev", "centos", f"ls {standing.data}").returncode != 0
    assert standing.inside("dev", "centos", "touch /usr/a-file").returncode != 0


def test_a_commands_exit_code_and_errors_come_back(standing: Host) -> None:
    answer = standing.inside("dev", "centos", "echo out; echo err >&2; exit 7")
    assert (answer.returncode, answer.stdout) == (7, "out\n")
    assert answer.stderr.startswith("err\n")


def test_a_pod_does_not_reach_this_hosts_server(standing: Host) -> None:
    port = standing.kubectl("config", "view", "-o", "jsonpath={.clusters[0].cluster.server}").stdout.rpartition(":")[2]
    answer = standing.inside("dev", "centos", f"curl -m5 -sk https://10.65.0.1:{port}/readyz")
    assert answer.returncode == 7  # refused


def test_after_kill_9_down_leaves_nothing_and_up_works_again(host: Host) -> None:
    host.lab("down")
    before = host.traces()

    host.lab("up")
    known = state.load(host.data)
    assert known is not None
    assert known.owner is not None
    assert len(host.traces() - before) > len(known.pods)
    os.kill(known.owner.pid, signal.SIGKILL)
    host.lab("down")
    wait_for(lambda: host.traces() == before)
    assert (host.pods(), state.load(host.data)) == ([], None)

    assert "nothing of it is left" in host.lab("down").stderr
    assert host.lab("status", check=False).returncode == 3
    host.lab("up")
    assert len(host.pods()) == sum(map(len, PODS.values()))


def test_after_down_there_is_no_pod_to_run_a_command_in(standing: Host) -> None:
    standing.lab("down")
    answer = standing.inside("dev", "centos", "true")
    assert (answer.returncode, 'pods "centos" not found' in answer.stderr) == (1, True), answer
