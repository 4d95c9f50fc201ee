"""Who may fetch files from a node of a cluster, and whom does the fetcher believe?"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from kodkod.agent.identities import SelfMade
from kodkod.agent.serve_files import FileServer
from kodkod.capture import settings
from kodkod.capture.intent import read
from kodkod.capture.node import CaptureNode
from kodkod.capture.retrieval import pinned
from kodkod.clock import SystemClock
from kodkod.endpoints import Endpoint
from kodkod.resources import kinds
from kodkod.server.certificates import Pair, authority, signed
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.node import Network, tcp

NOW = datetime.now(UTC)
NAMESPACE = "kodkod-system"
WEB = Endpoint("dev", "web", "n1", "cali1", ips=("10.0.0.1",))


@pytest.fixture(scope="module")
def ours() -> Pair:
    return authority(NOW)


@pytest.fixture
async def server(ours: Pair, tmp_path: Path) -> AsyncIterator[FileServer]:
    """A node with one capture and one packet in its file."""
    resources = EmbeddedResources(MEMORY, SystemClock())
    await resources.open()
    await resources.create(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE}})
    made = FileServer(node(tmp_path), SelfMade("n1", "127.0.0.1", resources, NAMESPACE, SystemClock()))
    starting = asyncio.ensure_future(made.start())
    await asyncio.sleep(0.05)
    assert made.address == ""  # it waits for the authority
    body = {"metadata": {"name": "kodkod-ca"}, "data": {"ca.crt": ours[0].decode()}}
    await resources.create(kinds.CONFIG_MAP, body, NAMESPACE)
    await starting
    yield made
    await made.close()
    await resources.close()


def node(base: Path) -> CaptureNode:
    network = Network()
    network.add("cali1")
    made = CaptureNode("n1", network.open_capture, link=network.index)
    capture = read({"metadata": {"name": "cap", "namespace": "dev", "uid": "u"}, "spec": {}})
    limits = settings.read([], node="n1", default_directory=str(base))
    made.step([capture], [WEB], limits, NOW)
    network.deliver("cali1", tcp("10.0.0.9", 1, "10.0.0.1", 80), 1)
    return made


def client(server: FileServer, folder: Path, by: Pair, name: str) -> ssl.SSLContext:
    certificate, key = signed(by, name, NOW - timedelta(minutes=1), is_server=False)
    (folder / "client.pem").write_bytes(certificate + key)
    context = pinned(server.certificate)
    context.load_cert_chain(folder / "client.pem")
    return context


async def ask(server: FileServer, context: ssl.SSLContext, path: str = "/files/dev/cap") -> tuple[int, object]:
    async with aiohttp.ClientSession() as session, session.get(server.address + path, ssl=context) as answer:
        return answer.status, await answer.json() if answer.status == 200 else await answer.text()


async def test_the_server_is_answered(server: FileServer, ours: Pair, tmp_path: Path) -> None:
    context = client(server, tmp_path, ours, "kodkod-server")
    status, listed = await ask(server, context)
    assert status == 200 and [file["name"] for file in listed["files"]] == ["web_cali1.pcap"]  # type: ignore[index]
    assert await ask(server, context, "/files/dev/..%2f..") == (400, "'../..' is not a name of a namespace or capture")


async def test_another_name_of_the_authority_is_refused(server: FileServer, ours: Pair, tmp_path: Path) -> None:
    status, text = await ask(server, client(server, tmp_path, ours, "kodkod-face"))
    assert (status, text) == (403, "only kodkod-server may ask")


async def test_another_authority_and_no_certificate_end_in_the_handshake(server: FileServer, tmp_path: Path) -> None:
    stranger = client(server, tmp_path, authority(NOW), "kodkod-server")
    for context in (stranger, pinned(server.certificate)):
        with pytest.raises(aiohttp.ClientError):
            await ask(server, context)


async def test_another_node_is_not_believed(server: FileServer, ours: Pair, tmp_path: Path) -> None:
    from kodkod.agent.identities import made

    context = pinned(made("n1", "127.0.0.1", NOW)[0].decode())
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await ask(server, context)
