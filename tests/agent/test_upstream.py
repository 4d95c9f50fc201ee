"""How an agent of a cluster speaks to Kodkod's server: a token that rotates, an authority that may be made again."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from kodkod.agent.upstream import ClusterUpstream, Unreachable
from kodkod.clock import SystemClock
from kodkod.resources import kinds
from kodkod.server.certificates import Pair, authority, signed
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.store.in_cluster import TokenFile

NAMESPACE = "kodkod-system"


@asynccontextmanager
async def server(pair: Pair, folder: Path, port: int = 0) -> AsyncIterator[tuple[int, list[str]]]:
    """Answers every post with 200 and keeps the Authorization header."""
    seen: list[str] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(f"{request.headers['Authorization']} from {request.remote}")
        return web.Response(text="taken")

    (folder / "tls.crt").write_bytes(pair[0])
    (folder / "tls.key").write_bytes(pair[1])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    app = web.Application()
    app.router.add_post("/v1/ingest/flows", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
    try:
        yield runner.addresses[0][1], seen
    finally:
        await runner.cleanup()


async def publish(resources: EmbeddedResources, certificate: bytes) -> None:
    body = {"metadata": {"name": "kodkod-ca"}, "data": {"ca.crt": certificate.decode()}}
    await resources.create(kinds.CONFIG_MAP, body, NAMESPACE)


def leaf(by: Pair) -> Pair:
    return signed(by, "kodkod-server", datetime.now(UTC), hosts=["127.0.0.1"], is_server=True)


@pytest.fixture
async def resources() -> AsyncIterator[EmbeddedResources]:
    made = EmbeddedResources(MEMORY, SystemClock())
    await made.open()
    await made.create(kinds.NAMESPACE, {"metadata": {"name": NAMESPACE}})
    yield made
    await made.close()


async def test_token_and_authority_are_read_anew(resources: EmbeddedResources, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    old, new = authority(datetime.now(UTC)), authority(datetime.now(UTC))
    async with server(leaf(old), tmp_path) as (port, seen):
        upstream = ClusterUpstream(f"https://127.0.0.1:{port}", resources, NAMESPACE, "127.0.0.2", TokenFile(token))
        with pytest.raises(Unreachable, match="kodkod-ca"):
            await upstream.post("/v1/ingest/flows", b"{}", {})
        await publish(resources, old[0])
        assert await upstream.post("/v1/ingest/flows", b"{}", {}) == (200, "taken")
        token.write_text("second\n")
        assert await upstream.post("/v1/ingest/flows", b"{}", {}) == (200, "taken")
        assert seen == ["Bearer first from 127.0.0.2", "Bearer second from 127.0.0.2"]
    with pytest.raises(Unreachable):
        await upstream.post("/v1/ingest/flows", b"{}", {})
    await resources.delete(kinds.CONFIG_MAP, "kodkod-ca", NAMESPACE)
    await publish(resources, new[0])
    async with server(leaf(new), tmp_path, port) as (_, seen):
        with pytest.raises(Unreachable):  # still trusts what it knew
            await upstream.post("/v1/ingest/flows", b"{}", {})
        assert await upstream.post("/v1/ingest/flows", b"{}", {}) == (200, "taken")
    await upstream.close()


async def test_without_a_token_nothing_is_sent(resources: EmbeddedResources, tmp_path: Path) -> None:
    upstream = ClusterUpstream("https://127.0.0.1:1", resources, NAMESPACE, "127.0.0.2", TokenFile(tmp_path / "none"))
    with pytest.raises(Unreachable, match="No such file"):
        await upstream.post("/v1/ingest/flows", b"{}", {})
