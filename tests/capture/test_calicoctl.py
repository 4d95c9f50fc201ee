"""The one-file client on the system's Python: what it asks, where files land, and what a broken connection costs."""

from __future__ import annotations

import base64
import json
import random
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from kodkod.capture import calicoctl
from kodkod.server import certificates

V3 = "/apis/projectcalico.org/v3"
PCAP = random.Random(7).randbytes(900_000)
CRD, DATA = "/apis/crd.projectcalico.org/v1", "/apis/data.kodkod.dev/v1"
ALL_GROUPS = (V3, CRD, DATA)
TOKEN = "t0ken"
CONFIG = """\
current-context: x
contexts:
- name: x
  context:
    cluster: k
    user: u
clusters:
- name: k
  cluster:
    server: https://127.0.0.1:1
    certificate-authority: gone.crt
users:
- name: u
  user:
    token: t
"""
SYSTEM_PYTHON = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")


class Served:
    """A server with two nodes' files. cuts: for each request of a file, after how many bytes its connection breaks.

    Asks are kept as (method, path, range).
    """

    def __init__(self, folder: Path) -> None:
        self.cuts: list[int] = []
        self.refusals: list[int] = []
        self.asked: list[tuple[str, str, str]] = []
        self.objects = [("dev", "c"), ("uat", "other")]
        self.files = {("dev", "c"): [("n1", "web_cali1.pcap", "1-a")]}
        self.unreachable: list[str] = []
        self.groups = {V3: ["packetcaptures", "packetcaptures/files"]}
        now = datetime.now(UTC)
        ca = certificates.authority(now)
        leaf = certificates.signed(ca, "server", now, hosts=["127.0.0.1"], is_server=True)
        (folder / "server.pem").write_bytes(leaf[0] + leaf[1])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        context.load_verify_locations(cadata=ca[0].decode())
        context.verify_mode = ssl.CERT_OPTIONAL
        self.certificate, self.key = certificates.signed(ca, "person", now, is_server=False)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.kubeconfig = folder / "config"
        (folder / "ca.crt").write_bytes(ca[0])
        config: dict[str, Any] = {
            "clusters": [{"name": "k", "cluster": {
                "server": f"https://127.0.0.1:{self._server.server_port}", "certificate-authority": "ca.crt"}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
            "contexts": [{"name": "x", "context": {"cluster": "k", "user": "u"}}],
            "current-context": "x",
        }  # fmt: skip
        self.kubeconfig.write_text(yaml.safe_dump(config))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        served = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_words: Any) -> None:
                """Silent."""

            def do_GET(self) -> None:
                self.answer()

            def do_DELETE(self) -> None:
                self.answer()

            def answer(self) -> None:
                served.asked.append((self.command, self.path, self.headers.get("Range", "")))
                assert isinstance(self.connection, ssl.SSLSocket)
                if not self.connection.getpeercert() and self.headers["Authorization"] != f"Bearer {TOKEN}":
                    self.send(401, b"401: not a token of ours\n")
                    return
                code, body = served.answer(self.command, self.path)
                if isinstance(body, list):
                    self.part(b"".join(body))
                else:
                    self.send(code, body)

            def send(self, code: int, body: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def part(self, whole: bytes) -> None:
                if served.refusals:
                    self.send(served.refusals.pop(0), b"no: the node is away\n")
                    return
                begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
                self.send_response(206 if begin else 200)
                self.send_header("Content-Length", str(len(whole) - begin))
                self.end_headers()
                end = begin + served.cuts.pop(0) if served.cuts else len(whole)
                self.wfile.write(whole[begin:end])
                if end < len(whole):
                    self.close_connection = True

        return Handler

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """Code and body; a list is a file, which can be cut."""
        if path in ALL_GROUPS:
            names = [{"name": name} for name in self.groups.get(path, [])]
            return (200, json.dumps({"resources": names}).encode()) if names else (404, b"404: not here\n")
        group = next(group for group in ALL_GROUPS if path.startswith(group))
        path = path.replace(group, V3, 1)
        if path == f"{V3}/packetcaptures":
            return listed([{"metadata": {"namespace": one, "name": name}} for one, name in self.objects])
        if path.startswith(f"{V3}/packetcaptures/"):
            name = path.split("/")[5]
            return listed([{"namespace": one, "name": known} for one, known in self.files if known == name])
        parts = path.removeprefix(f"{V3}/namespaces/").split("/")
        namespace, name, rest = parts[0], parts[2], parts[4:]
        if rest:
            return 200, [PCAP]
        if method == "DELETE":
            return 200, b'{"deleted": 1}'
        found = self.files.get((namespace, name), [])
        return listed([{"node": node, "name": file, "id": key} for node, file, key in found], self.unreachable)


def listed(items: Sequence[Mapping[str, Any]], unreachable: Sequence[str] = ()) -> tuple[int, bytes]:
    return 200, json.dumps({"items": items, "unreachable": unreachable}).encode()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    (tmp_path / "server").mkdir()
    made = Served(tmp_path / "server")
    yield made
    made.close()


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    made = tmp_path / "dest"
    made.mkdir()
    return made


def run(served: Served, *words: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    """As people run it: isolated, without site packages, on the Python that the system brings."""
    assert SYSTEM_PYTHON is not None
    command = [SYSTEM_PYTHON, "-I", "-S", calicoctl.__file__, "captured-packets", *words]
    environment = {"KUBECONFIG": str(config or served.kubeconfig), "PATH": "/usr/bin"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)


pytestmark = pytest.mark.skipif(SYSTEM_PYTHON is None, reason="the system brings no Python 3")


def test_a_broken_connection_goes_on_where_it_broke(served: Served, dest: Path) -> None:
    served.cuts = [100_000, 300_000]
    done = run(served, "copy", "c", "-n", "dev", "-d", str(dest))
    assert (done.returncode, done.stderr) == (0, "")
    assert (dest / "web_cali1.pcap").read_bytes() == PCAP
    ranges = [asked for _, path, asked in served.asked if path.endswith("/1-a")]
    assert ranges == ["", "bytes=100000-", "bytes=400000-"]


def test_a_node_that_comes_back_is_waited_for(served: Served, dest: Path) -> None:
    served.cuts, served.refusals = [], [500, 503]
    done = run(served, "copy", "c", "-n", "dev", "-d", str(dest))
    assert done.returncode == 0, done.stderr
    assert (dest / "web_cali1.pcap").read_bytes() == PCAP


def test_a_connection_that_always_breaks_is_an_error_and_leaves_nothing(served: Served, dest: Path) -> None:
    served.cuts = [10] * 100
    done = run(served, "copy", "c", "-n", "dev", "-d", str(dest))
    assert done.returncode == 1
    assert "error: web_cali1.pcap on n1: https://127.0.0.1:" in done.stderr
    assert list(dest.iterdir()) == []


def test_what_is_refused_is_not_asked_again(served: Served, dest: Path) -> None:
    served.refusals = [404]
    done = run(served, "copy", "c", "-n", "dev", "-d", str(dest))
    assert (done.returncode, done.stderr) == (1, "error: web_cali1.pcap on n1: no: the node is away\n")
    assert sum(path.endswith("/1-a") for _, path, _ in served.asked) == 1


def test_equal_names_of_two_nodes_and_two_namespaces_all_arrive(served: Served, dest: Path) -> None:
    two = [("n1", "web_cali1.pcap", "1-a"), ("n2", "web_cali1.pcap", "1-a")]
    served.files = {("dev", "c"): two, ("uat", "c"): two}
    assert run(served, "copy", "c", "-a", "-d", str(dest)).returncode == 0
    assert sorted(path.name for path in dest.iterdir()) == [
        "dev_n1_web_cali1.pcap", "dev_n2_web_cali1.pcap", "uat_n1_web_cali1.pcap", "uat_n2_web_cali1.pcap",
    ]  # fmt: skip


def test_clean_of_all_namespaces_finds_files_whose_object_is_gone(served: Served) -> None:
    served.files = {("uat", "c"): [("n1", "web_cali1.pcap", "1-a")]}
    done = run(served, "clean", "c", "-a")
    assert (done.returncode, done.stdout) == (0, "Clean capture files for dev/c\nClean capture files for uat/c\n")
    assert [path for method, path, _ in served.asked if method == "DELETE"] == [
        f"{V3}/namespaces/dev/packetcaptures/c/files", f"{V3}/namespaces/uat/packetcaptures/c/files",
    ]  # fmt: skip


def test_where_v3_is_somebody_elses_our_own_group_has_the_files(served: Served, dest: Path) -> None:
    served.groups = {V3: ["networkpolicies"], CRD: ["packetcaptures"], DATA: ["packetcaptures/files"]}
    assert run(served, "copy", "c", "-a", "-d", str(dest)).returncode == 0
    assert (dest / "web_cali1.pcap").read_bytes() == PCAP
    asked = [path for _, path, _ in served.asked if path not in ALL_GROUPS]
    assert asked[:2] == [f"{CRD}/packetcaptures", f"{DATA}/packetcaptures/c/files"]
    assert all(path.startswith(DATA) for path in asked[1:])


def test_where_nobody_has_files_it_is_said(served: Served) -> None:
    served.groups = {V3: ["networkpolicies"]}
    done = run(served, "copy", "c", "-n", "dev")
    assert (done.returncode, "no API group serves packetcaptures/files: is Kodkod" in done.stderr) == (1, True)


def test_a_node_that_does_not_answer_costs_its_files_alone(served: Served, dest: Path) -> None:
    served.unreachable = ["n2"]
    done = run(served, "copy", "c", "-n", "dev", "-d", str(dest))
    assert (done.returncode, done.stderr) == (1, "error: node n2 did not answer; its files are missing\n")
    assert (dest / "web_cali1.pcap").read_bytes() == PCAP


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("copy", "nobody", "-n", "dev"), 1, "error: dev/nobody: no file found\n"),
        (("copy", "nobody", "-a"), 1, "error: no capture named nobody and no file of one in any namespace\n"),
        (("copy", "c", "-n", "dev", "-d", "/nonexistent"), 1, "error: dev/c: /nonexistent is not a folder\n"),
        (("copy", "c", "-n", "dev", "-a"), 2, "not allowed with argument"),
        (("move", "c"), 2, "invalid choice: 'move'"),
        ((), 2, "the following arguments are required"),
    ],
)
def test_wrong_usage_and_nothing_found_have_their_codes(
    served: Served, words: tuple[str, ...], code: int, said: str
) -> None:
    done = run(served, *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no entry None in contexts"),
        ("a: [1", "no entry None in contexts"),
        ("current-context: x\n  deep: y\n", "cannot read the line 'deep: y'"),
        ("{", "not JSON"),
        (CONFIG, "the certificate authority cannot be read"),
        (CONFIG.replace("certificate-", "x-").replace("server", "sever"), "cluster k names no server"),
        (
            CONFIG.replace("certificate-", "x-").replace("token", "password"),
            "has no token, tokenFile, client certificate or exec",
        ),
        ("- a\n", "not a mapping"),
    ],
)
def test_a_broken_kubeconfig_is_named(served: Served, tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "broken"
    config.write_text(text)
    done = run(served, "copy", "c", config=config)
    assert done.returncode == 1
    assert done.stderr.startswith("error: kubeconfig")
    assert said in done.stderr


def test_a_wrong_token_is_told_in_the_servers_words(served: Served, tmp_path: Path) -> None:
    config = served.kubeconfig.with_name("wrong")
    config.write_text(served.kubeconfig.read_text().replace(TOKEN, "stale"))
    done = run(served, "copy", "c", "-n", "dev", config=config)
    assert (done.returncode, done.stderr) == (1, "error: dev/c: 401: not a token of ours\n")


def test_whoever_a_kubeconfig_names_is_let_in(served: Served, dest: Path) -> None:
    """By token file, by client certificate (inside or beside the file), by a credential plugin: as kubectl does."""
    folder = served.kubeconfig.parent
    (folder / "token").write_text(TOKEN + "\n")
    (folder / "person.crt").write_bytes(served.certificate)
    (folder / "person.key").write_bytes(served.key)
    credential = {"kind": "ExecCredential", "status": {"token": TOKEN}}
    said = [{"name": "SAYS", "value": json.dumps(credential)}]
    plugin = {"command": "sh", "args": ["-c", 'echo "$SAYS"', "arn:aws:eks"], "env": said}
    encoded = {name: base64.b64encode(text).decode() for name, text in
               (("client-certificate-data", served.certificate), ("client-key-data", served.key))}  # fmt: skip
    document = yaml.safe_load(served.kubeconfig.read_text())
    users: tuple[dict[str, Any], ...] = (
        {"tokenFile": "token"},
        encoded,
        {"client-certificate": "person.crt", "client-key": "person.key"},
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", **plugin}},
    )
    for user in users:
        config = folder / "other"
        config.write_text(yaml.safe_dump({**document, "users": [{"name": "u", "user": user}]}))
        done = run(served, "copy", "c", "-n", "dev", "-d", str(dest), config=config)
        assert (done.returncode, done.stderr) == (0, ""), user
