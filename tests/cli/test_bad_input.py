"""Broken input of each sort: the error names the place and the cure, and the rest goes on."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from kodkod.clock import SystemClock
from kodkod.server.app import ServerConfig, compose, create_app

V3 = "/apis/projectcalico.org/v3"
CAPTURES = f"{V3}/namespaces/default/packetcaptures"
BRACKETS = "(" * 20_000
RULE = 'alert tcp any any -> any any (msg:"found"; content:"attack"; sid:7; rev:1;)\n'
PCAP_HEAD = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def anyone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """A client of one server that shows no token, and the administrator's token."""
    data = tmp_path_factory.mktemp("server")
    async with compose(ServerConfig(data, "127.0.0.1", 9443, "n1"), SystemClock()) as services:
        token = yaml.safe_load((data / "kubeconfig").read_text())["users"][0]["user"]["token"]
        transport = httpx.ASGITransport(create_app(services))
        async with httpx.AsyncClient(transport=transport, base_url="https://server") as client:
            yield client, token


@pytest_asyncio.fixture(loop_scope="module")
async def admin(anyone: tuple[httpx.AsyncClient, str]) -> AsyncIterator[httpx.AsyncClient]:
    client, token = anyone
    client.headers["Authorization"] = f"Bearer {token}"
    yield client
    del client.headers["Authorization"]


def capture(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", "metadata": {"name": name}, "spec": spec}


def kodkod(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "KODKOD_CACHE": str(cwd / "cache")}
    command = [sys.executable, "-m", "kodkod.cli.app", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)


def pcap(payload: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", 1000, 80, 1, 1, 0x50, 0x18, 1000, 0, 0) + payload
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    frame = bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses + tcp
    return struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame


# --- manifest -------------------------------------------------------------------------------------------------------
@in_one_loop
async def test_a_broken_manifest_names_line_or_field_and_the_next_one_is_taken(admin: httpx.AsyncClient) -> None:
    yaml_type = {"Content-Type": "application/apply-patch+yaml"}
    text = "apiVersion: projectcalico.org/v3\nkind: PacketCapture\nspec:\n  selector: [\n"
    answer = await admin.patch(f"{CAPTURES}/m?fieldManager=me", content=text, headers=yaml_type)
    assert (answer.status_code, "line 5 column 1" in answer.json()["message"]) == (400, True), answer.text
    json_type = {"Content-Type": "application/json"}
    answer = await admin.post(CAPTURES, content=b'{"spec":\n {"selector": all()}}', headers=json_type)
    assert (answer.status_code, "line 2 column 15" in answer.json()["message"]) == (400, True), answer.text
    answer = await admin.post(f"{CAPTURES}?fieldValidation=Strict", json=capture("m", selectr="all()"))
    assert 'unknown field "spec.selectr"' in answer.json()["message"]
    answer = await admin.post(CAPTURES, json=capture("m", filters=[{"protocol": "TCP", "ports": ["80-90"]}]))
    (cause,) = answer.json()["details"]["causes"]
    assert cause["field"] == "spec.filters[0].ports[0]"
    assert cause["message"].endswith('write "80:90"')
    assert (await admin.post(CAPTURES, json=capture("m", filters=[{"ports": ["80:90"]}]))).status_code == 201


# --- rule -----------------------------------------------------------------------------------------------------------
def test_a_broken_rule_names_file_line_and_column_and_the_others_are_loaded(tmp_path: Path) -> None:
    lines = [
        RULE,
        'alert tcp any any -> any any (msg:"b"; contnt:"x"; sid:2;)\n',
        'alert tcp any any -> any (msg:"c"; sid:3;)\n',
        f'alert tcp {"[" * 20_000} any any -> any any (msg:"d"; sid:4;)\n',
    ]
    (tmp_path / "mine.rules").write_text("".join(lines))
    checked = kodkod("rules", "check", "mine.rules", cwd=tmp_path)
    assert checked.returncode == 1
    assert "mine.rules:2:40: 1:2:0 skipped: `contnt` is no option known here" in checked.stdout
    assert "mine.rules:3:22: 1:3:0 skipped: a header has the shape `action protocol addresses ports" in checked.stdout
    assert "mine.rules:4:27: 1:4:0 skipped: lists nest deeper than 16" in checked.stdout
    (tmp_path / "a.pcap").write_bytes(PCAP_HEAD + pcap(b"attack"))
    judged = kodkod("scan", "a.pcap", "--rules", "mine.rules", "-o", "fast", cwd=tmp_path)
    assert judged.returncode == 0
    assert '[1:7:1] "found"' in judged.stdout


# --- query ----------------------------------------------------------------------------------------------------------
@in_one_loop
@pytest.mark.parametrize(
    ("query", "column", "cure"),
    [
        ("dest_namespace=kube-system", 20, 'quote it: "kube-system"'),
        ("action==allow", 7, 'write "="'),
        ("dest_namespce=a", 1, 'did you mean "dest_namespace"'),
        ("reporter=up", 10, "allowed values: src, dst, fwd"),
        ("(action=allow", 14, '")" expected'),
        (BRACKETS, 101, "nest deeper than 100"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_broken_query_names_the_column_and_the_cure(
    admin: httpx.AsyncClient, query: str, column: int, cure: str
) -> None:
    begun = time.process_time()
    spec = {"description": "d", "severity": 5, "dataSet": "flows", "query": query}
    body = {"apiVersion": "projectcalico.org/v3", "kind": "GlobalAlert", "metadata": {"name": "q"}, "spec": spec}
    answer = await admin.post(f"{V3}/globalalerts", json=body)
    assert answer.status_code == 422
    told = answer.json()["message"]
    if len(query) < 16_384:  # longer ones are refused by the schema, for their length
        assert f"at column {column}" in told
        assert cure in told
    answer = await admin.get("/v1/logs/flows", params={"query": query[:20_000]})
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["offset"]) == (400, "bad_query", column - 1)
    assert cure in problem["message"] + str(problem.get("hint"))
    assert time.process_time() - begun < 1
    assert (await admin.get("/v1/logs/flows", params={"query": 'dest_namespace="kube-system"'})).status_code == 200


@in_one_loop
async def test_a_broken_search_names_the_column_and_the_cure(admin: httpx.AsyncClient) -> None:
    index = "/tigera_secure_ee_events*/_search"
    answer = await admin.get(index, params={"q": "severity:[50 100]"})
    told = answer.json()["error"]["reason"]
    assert (answer.status_code, "at column 14" in told, "write [low TO high]" in told) == (400, True, True)
    begun = time.process_time()
    assert (await admin.get(index, params={"q": BRACKETS})).status_code == 400
    assert time.process_time() - begun < 1
    assert (await admin.get(index, params={"q": "severity:[50 TO 100]"})).status_code == 200


# --- selector -------------------------------------------------------------------------------------------------------
@in_one_loop
@pytest.mark.parametrize(
    ("selector", "offset", "cure"),
    [
        ("app = 'web'", 4, "write '=='"),
        ("app == web", 7, "string"),
        ("(app == 'web'", 13, "')'"),
        ("app == 'web' &", 13, "&&"),
        (BRACKETS[:16_000], 0, "deep"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_broken_selector_names_the_offset_and_the_cure(
    admin: httpx.AsyncClient, selector: str, offset: int, cure: str
) -> None:
    begun = time.process_time()
    answer = await admin.post(CAPTURES, json=capture("s", selector=selector))
    assert time.process_time() - begun < 1
    (cause,) = answer.json()["details"]["causes"]
    assert cause["field"] == "spec.selector"
    assert cure in cause["message"]
    assert offset == 0 or f"at offset {offset}" in cause["message"]
    answer = await admin.post(f"{CAPTURES}?dryRun=All", json=capture("s", selector="app == 'web'"))
    assert answer.status_code == 201


# --- pcap -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "said", "alerts"),
    [
        (PCAP_HEAD + pcap(b"attack") + pcap(b"attack")[:-3], "byte offset 100: the file ends early: 76 bytes", 2),
        (PCAP_HEAD + pcap(b"attack") + struct.pack("<IIII", 1, 0, 2**31 - 1, 5),
         "byte offset 100: a packet of 2147483647 bytes is beyond 262144", 2),
        (b"hello world, no capture", "byte offset 0: neither pcap nor pcapng (starts with 68656c6c)", 1),
        (b"", "byte offset 0: the file ends early", 1),
    ],
)  # fmt: skip
def test_a_broken_pcap_names_the_byte_and_the_other_file_is_judged(
    tmp_path: Path, content: bytes, said: str, alerts: int
) -> None:
    (tmp_path / "broken.pcap").write_bytes(content)
    (tmp_path / "good.pcap").write_bytes(PCAP_HEAD + pcap(b"attack"))
    (tmp_path / "mine.rules").write_text(RULE)
    run = kodkod("scan", "broken.pcap", "good.pcap", "--rules", "mine.rules", "-o", "fast", cwd=tmp_path)
    assert (run.returncode, len(run.stdout.splitlines())) == (2, alerts)
    assert f"error: broken.pcap: {said}" in run.stderr
    assert "hint: what stands before is judged" in run.stderr


# --- download -------------------------------------------------------------------------------------------------------
class Served(BaseHTTPRequestHandler):
    """A mirror on a bad day."""

    pages: dict[str, tuple[int, bytes]] = {  # noqa: RUF012  # read only
        "/good.rules": (200, RULE.encode()),
        "/page.rules": (200, b"<html>log in first</html>"),
        "/cut.rules.gz": (200, gzip.compress(RULE.encode())[:-9]),
        "/empty.rules": (200, b""),
    }

    def do_GET(self) -> None:
        code, body = self.pages.get(self.path, (404, b"no"))
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Silent."""


@pytest.fixture
def mirror() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_broken_download_names_its_address_and_the_last_good_copy_stays(tmp_path: Path, mirror: str) -> None:
    def install(origin: str, *more: str) -> subprocess.CompletedProcess[str]:
        return kodkod("rules", "install", origin, "--data", "data", "--name", "mine", *more, cwd=tmp_path)

    allow = "--allow-private"
    assert install(f"{mirror}/good.rules", allow).returncode == 0
    before = kodkod("rules", "list", "--data", "data", cwd=tmp_path).stdout
    assert "good.rules" in before
    for origin, more, said in [
        (f"{mirror}/page.rules", [allow], "not one of its rules can be used; what was installed before stays"),
        (f"{mirror}/empty.rules", [allow], "not one of its rules can be used; what was installed before stays"),
        (f"{mirror}/cut.rules.gz", [allow], "fetch it again"),
        (f"{mirror}/gone.rules", [allow], "404"),
        (f"{mirror}/good.rules", [], "is not a public address; --allow-private permits it"),
        ("ftp://mirror/x.rules", [], "only http:// and https:// are fetched"),
        ("nowhere.rules", [], "No such file or directory"),
    ]:
        run = install(origin, *more)
        assert run.returncode == 2
        assert f"error: {origin}: " in run.stderr, run.stderr
        assert said in run.stderr
    assert kodkod("rules", "list", "--data", "data", cwd=tmp_path).stdout == before


@in_one_loop
async def test_a_download_that_cannot_be_says_why_in_one_line(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/packet-capture/download/default/never/files.zip")
    assert (answer.status_code, answer.text) == (404, "404: no capture default/never\n")
    await admin.post(CAPTURES, json=capture("fresh"))
    answer = await admin.get("/packet-capture/download/default/fresh/files.zip")
    assert (answer.status_code, answer.text) == (404, "404: no file yet\n")
    for path in ("default/..%2f..%2fetc/files.zip", "default/fresh/file.zip", "default"):
        answer = await admin.get(f"/packet-capture/download/{path}")
        assert (answer.status_code, answer.text[:14]) == (404, "404: there is ")
    answer = await admin.get("/packet-capture/download/default/.hidden/files.zip")
    assert answer.text == "404: '.hidden' is not a name of a namespace or capture\n"


# --- token ----------------------------------------------------------------------------------------------------------
@in_one_loop
@pytest.mark.parametrize(
    ("headers", "what"),
    [
        ({}, "no token was given"),
        ({"Authorization": "Bearer stale"}, "the token is not known here, or has ended"),
        ({"Authorization": "Bearer"}, "the token is not known here, or has ended"),
        ({"Authorization": "Basic YTpi"}, "the token is not known here, or has ended"),
        ({"Authorization": "Bearer " + "x" * 20_000}, "the token is not known here, or has ended"),
    ],
    ids=["none", "stale", "empty", "basic", "long"],
)
async def test_a_broken_token_is_told_with_the_cure_and_others_go_on(
    anyone: tuple[httpx.AsyncClient, str], headers: dict[str, str], what: str
) -> None:
    client, token = anyone
    cure = '; send "Authorization: Bearer" with the token of a kubeconfig'
    answer = await client.get(CAPTURES, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
    assert answer.json()["message"] == f"Unauthorized: {what}{cure}"
    answer = await client.get("/packet-capture/download/default/c/files.zip", headers=headers)
    assert (answer.status_code, answer.text) == (401, f"401: {what}{cure}\n")
    assert (await client.get(CAPTURES, headers={"Authorization": f"Bearer {token}"})).status_code == 200


# --- what is made to exhaust ----------------------------------------------------------------------------------------
@in_one_loop
@pytest.mark.parametrize(
    "path",
    ["?labelSelector=", "?fieldSelector=", "?labelSelector=a%20in%20", "?continue=", "?resourceVersion=", "?limit="],
)
async def test_selectors_of_lists_are_bounded(admin: httpx.AsyncClient, path: str) -> None:
    begun = time.process_time()
    answer = await admin.get(f"{CAPTURES}{path}{BRACKETS}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert time.process_time() - begun < 1
