"""kubectl exec against a real server and real processes, over both wires: with the kubectls on this machine, and with a
SPDY client of our own."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kodkod.lab import processes
from kodkod.server.credentials import ensure_credentials
from kodkod.server.kube.streaming import (
    ExecRequest,
    PodNotFound,
    Process,
    Refusal,
    RefusingProtocol,
    TakeoverProtocol,
    exec_routes,
    spdy,
)

WITHIN_S = 30
EXEC = "/api/v1/namespaces/dev/pods/box/exec"


class HostProcesses:
    """A pod called `box` whose processes are this machine's."""

    def __init__(self) -> None:
        self.running: list[processes.PipedProcess | processes.TerminalProcess] = []

    async def start(
        self, namespace: str, pod: str, container: str | None, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> Process:
        if pod != "box":
            raise PodNotFound(f'pods "{pod}" not found')
        environment = {"PATH": os.environ["PATH"], "TERM": "xterm"}
        process = await processes.spawn(command, stdin=stdin, tty=tty, environment=environment)
        self.running.append(process)
        return process


@dataclass
class OpenGate:
    """Lets everybody into `dev` and keeps what it was asked."""

    asked: list[ExecRequest] = field(default_factory=list)

    async def admit(self, connection: HTTPConnection, request: ExecRequest) -> Refusal | None:
        self.asked.append(request)
        return None if request.namespace == "dev" else Refusal(403, "Forbidden", "no exec in this namespace")


@dataclass(frozen=True)
class Served:
    url: str
    port: int
    gate: OpenGate
    backend: HostProcesses


async def _pod(request: Request) -> Response:
    metadata = {"name": request.path_params["pod"], "namespace": request.path_params["namespace"]}
    spec = {"containers": [{"name": "only", "image": "host"}]}
    return JSONResponse(
        {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": spec, "status": {"phase": "Running"}}
    )


def _document(body: dict[str, object]) -> object:
    async def answer(_request: Request) -> Response:
        return JSONResponse(body)

    return answer


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    pods = {"name": "pods", "singularName": "pod", "namespaced": True, "kind": "Pod", "verbs": ["get"]}
    documents: dict[str, dict[str, object]] = {
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": [pods]},
    }
    backend, gate = HostProcesses(), OpenGate()
    app = Starlette(
        routes=[
            *(Route(path, _document(body)) for path, body in documents.items()),
            Route("/api/v1/namespaces/{namespace}/pods/{pod}", _pod),
            *exec_routes(backend, gate),
        ]
    )
    # It listens from here on, so nobody has to wait until uvicorn has started: connections queue.
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    paths = ensure_credentials(tmp_path, "127.0.0.1", port, "n1", datetime.now(UTC))
    config = uvicorn.Config(
        app, http=TakeoverProtocol, ws=RefusingProtocol, ssl_keyfile=paths.server_key, ssl_certfile=paths.server,
        lifespan="off", log_config=None,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield Served(f"https://127.0.0.1:{port}", port, gate, backend)
    server.should_exit = True
    await serving
    listening.close()


def _kubectls() -> list[Path]:
    """The kubectl on PATH, and the oldest and newest of the versioned ones that a cloud SDK keeps beside it."""
    found = shutil.which("kubectl")
    if found is None:
        return []
    beside = sorted(Path(found).resolve().parent.glob("kubectl.1.*"))
    return [Path(found), *dict.fromkeys(beside[:1] + beside[-1:])]


KUBECTLS = _kubectls()
kubectls = pytest.mark.parametrize(
    "kubectl",
    KUBECTLS or [pytest.param(Path("kubectl"), marks=pytest.mark.skip(reason="there is no kubectl on this machine"))],
    ids=lambda path: path.name,
)


async def _run(
    kubectl: Path, served: Served, tmp_path: Path, *words: str, feed: bytes = b"", namespace: str = "dev"
) -> tuple[int, bytes, bytes]:
    child = await asyncio.create_subprocess_exec(
        kubectl, f"--server={served.url}", "--insecure-skip-tls-verify", "--token=any", "-n", namespace, *words,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
    )  # fmt: skip
    async with asyncio.timeout(WITHIN_S):
        said, complained = await child.communicate(feed)
    return child.returncode or 0, said, complained


@pytest.mark.kubectl
@kubectls
async def test_output_errors_and_exit_code_arrive(kubectl: Path, served: Served, tmp_path: Path) -> None:
    code, said, complained = await _run(
        kubectl, served, tmp_path, "exec", "box", "--", "sh", "-c", "echo said; echo wrong >&2; exit 7"
    )
    assert (code, said) == (7, b"said\n")
    assert complained.startswith(b"wrong\n")
    assert served.gate.asked[0].command == ("sh", "-c", "echo said; echo wrong >&2; exit 7")


@pytest.mark.kubectl
@kubectls
async def test_three_megabytes_go_in_and_out_unchanged(kubectl: Path, served: Served, tmp_path: Path) -> None:
    sent = os.urandom(3_000_000)
    assert await _run(kubectl, served, tmp_path, "exec", "-i", "box", "--", "cat", feed=sent) == (0, sent, b"")


@pytest.mark.kubectl
@kubectls
async def test_the_end_of_input_is_heard(kubectl: Path, served: Served, tmp_path: Path) -> None:
    code, said, _ = await _run(kubectl, served, tmp_path, "exec", "-i", "box", "--", "wc", "-c", feed=b"12345")
    assert (code, said.strip()) == (0, b"5")


@pytest.mark.kubectl
@kubectls
async def test_files_are_copied_both_ways(kubectl: Path, served: Served, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(os.urandom(2_000_000))
    there = tmp_path / "there"
    assert (await _run(kubectl, served, tmp_path, "cp", str(tmp_path / "here"), f"box:{there}"))[0] == 0
    assert (await _run(kubectl, served, tmp_path, "cp", f"box:{there}", str(tmp_path / "back")))[0] == 0
    assert (tmp_path / "back").read_bytes() == (tmp_path / "here").read_bytes()


@pytest.mark.kubectl
@kubectls
@pytest.mark.parametrize(
    ("pod", "namespace", "words"),
    [
        pytest.param("nobody", "dev", b'pods "nobody" not found', id="no such pod"),
        pytest.param("box", "prod", b"no exec in this namespace", id="no right"),
    ],
)
async def test_a_refusal_is_shown_in_its_own_words(
    kubectl: Path, served: Served, tmp_path: Path, pod: str, namespace: str, words: bytes
) -> None:
    code, _, complained = await _run(kubectl, served, tmp_path, "exec", pod, "--", "true", namespace=namespace)
    assert code == 1
    assert words in complained
    assert not served.backend.running


class SpdyClient:
    """The client half of kubectl's remote command over SPDY, as far as a test needs it."""

    STREAMS = ("error", "stdin", "stdout", "stderr", "resize")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._read, self._write = spdy.Reader(), spdy.Writer()
        self._numbers = {name: 2 * index + 1 for index, name in enumerate(self.STREAMS)}
        self.received: dict[str, bytes] = dict.fromkeys(self.STREAMS, b"")
        self.ended: set[str] = set()

    @classmethod
    async def connect(cls, served: Served, query: str) -> tuple[bytes, SpdyClient]:
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=trust)
        head = (
            f"POST {EXEC}?{query} HTTP/1.1\r\nHost: box\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            "X-Stream-Protocol-Version: v4.channel.k8s.io\r\nContent-Length: 0\r\n\r\n"
        )
        writer.write(head.encode())
        return await reader.readuntil(b"\r\n\r\n"), cls(reader, writer)

    def open(self, *names: str) -> None:
        for name in names:
            self._writer.write(self._write.open(self._numbers[name], {"streamType": name}))

    def send(self, name: str, payload: bytes, *, fin: bool = False) -> None:
        self._writer.write(spdy.data(self._numbers[name], payload, fin=fin))

    def leave(self) -> None:
        self._writer.transport.abort()

    async def until_end(self) -> dict[str, bytes]:
        while chunk := await self._reader.read(65536):
            self.take(chunk)
        self._writer.close()
        return self.received

    async def until(self, name: str, words: bytes) -> None:
        while words not in self.received[name]:
            chunk = await self._reader.read(65536)
            assert chunk, f"the connection ended before {words!r}: {self.received}"
            self.take(chunk)

    def take(self, chunk: bytes) -> None:
        names = {number: name for name, number in self._numbers.items()}
        for frame in self._read.feed(chunk):
            if isinstance(frame, spdy.Data):
                self.received[names[frame.stream]] += frame.payload
                if frame.fin:
                    self.ended.add(names[frame.stream])


async def test_over_spdy_a_status_ends_what_succeeded(served: Served) -> None:
    head, client = await SpdyClient.connect(served, "command=echo&command=hello&stdout=true&stderr=true")
    assert head.startswith(b"HTTP/1.1 101 ")
    client.open("error", "stdout", "stderr")
    received = await client.until_end()
    assert received["stdout"] == b"hello\n"
    assert json.loads(received["error"])["status"] == "Success"
    assert client.ended == {"error", "stdout", "stderr"}


async def test_over_spdy_a_terminal_knows_its_size(served: Served) -> None:
    _, client = await SpdyClient.connect(
        served, "command=sh&command=-c&command=read+line;stty+size&stdin=true&stdout=true&tty=true"
    )
    client.open("error", "stdin", "stdout", "resize")
    size = b'{"Width":111,"Height":33}'
    client.send("resize", size[:9])
    client.send("resize", size[9:])
    client.send("stdin", b"go\n")
    received = await client.until_end()
    assert b"33 111" in received["stdout"]


async def test_who_leaves_ends_the_process(served: Served) -> None:
    _, client = await SpdyClient.connect(
        served, "command=sh&command=-c&command=echo+here;sleep+600&stdout=true&stderr=true"
    )
    client.open("error", "stdout", "stderr")
    await client.until("stdout", b"here\n")
    client.leave()
    async with asyncio.timeout(WITHIN_S):
        assert await served.backend.running[0].wait() == 128 + 9


@pytest.mark.parametrize(
    "query", [pytest.param("stdout=true", id="no command"), pytest.param("command=true", id="no stream")]
)
async def test_a_request_that_means_nothing_is_refused(served: Served, query: str) -> None:
    head, client = await SpdyClient.connect(served, query)
    client.leave()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert not served.backend.running


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
async def test_over_websocket_channels_and_a_status(served: Served, protocol: str) -> None:
    said: dict[int, bytes] = {}
    async with _websocket(served, "command=sh&command=-c&command=echo+out;echo+err+>%262;exit+3", protocol) as socket:
        assert socket.subprotocol == protocol
        async for message in socket:
            assert isinstance(message, bytes)
            said[message[0]] = said.get(message[0], b"") + message[1:]
    assert (said[1], said[2]) == (b"out\n", b"err\n")
    assert json.loads(said[3])["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]


async def test_over_websocket_one_channel_can_be_closed(served: Served) -> None:
    async with _websocket(served, "command=wc&command=-c&stdin=true", "v5.channel.k8s.io") as socket:
        await socket.send(b"\x00" + b"x" * 70_000)
        await socket.send(bytes([255, 0]))
        messages = [message async for message in socket]
    assert b"\x0170000\n" in messages


async def test_odd_messages_do_not_end_a_session(served: Served) -> None:
    async with _websocket(served, "command=cat&stdin=true", "v5.channel.k8s.io") as socket:
        for odd in (b"", b"\x04not json", b'\x04{"Width":-1,"Height":99999}', b"\x09x", "text"):
            await socket.send(odd)
        await socket.send(b"\x00still here")
        await socket.send(bytes([255, 0]))
        messages = [message async for message in socket]
    assert b"\x01still here" in messages


async def test_an_unknown_subprotocol_is_refused(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with _websocket(served, "command=true", "v1.channel.example"):
            pass
    assert refused.value.response.status_code == 400
    assert not served.backend.running
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def _websocket(served: Served, query: str, protocol: str) -> websockets.connect:
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    url = f"wss://127.0.0.1:{served.port}{EXEC}?{query}&stdout=true&stderr=true"
    return websockets.connect(url, ssl=trust, subprotocols=[websockets.Subprotocol(protocol)])
