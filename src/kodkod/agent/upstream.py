"""How does a node's process speak to Kodkod's server? Post a body, with the credentials of where we run.

On one host the server is the API too, and one pool of connections serves both. In a cluster the server is a Service of
its own: a projected token whose audience is Kodkod alone (the API server would refuse it), and the authority that the
server made and published as ConfigMap `kodkod-ca`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol

import aiohttp

from kodkod.resources import kinds
from kodkod.store import Resources
from kodkod.store.errors import StoreError
from kodkod.store.in_cluster import SERVER_TOKEN, NotInCluster, TokenFile
from kodkod.store.remote import RemoteResources

REQUEST = aiohttp.ClientTimeout(total=30.0, sock_connect=5.0)
AUTHORITY = "kodkod-ca"
AUTHORITY_KEY = "ca.crt"
LOOK_S = 1.0


class Unreachable(Exception):
    """Nothing was answered, or we cannot even ask yet. Later is another time."""


class Upstream(Protocol):
    """What shipping needs of a server."""

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """Status and text of the answer. Raises Unreachable."""
        ...


class HostUpstream:
    """The server of one host, over the pool that speaks to its API."""

    def __init__(self, resources: RemoteResources) -> None:
        self._resources = resources

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        return await send(self._resources.session, self._resources.server + path, body, headers)


class ClusterUpstream:
    """The Service of a cluster. Lives on the event loop; `close` it.

    The token is asked for at each request, since the kubelet replaces it. The authority is read anew when the server's
    certificate is not believed: its Secret may have been made again. We speak from the node's own address: the server
    believes a token only from the node that it is bound to, and towards a pod of this very node the kernel would take
    the bridge's.
    """

    def __init__(
        self, server: str, resources: Resources, namespace: str, address: str, token: TokenFile | None = None
    ) -> None:
        self._server = server.rstrip("/")
        self._resources = resources
        self._namespace = namespace
        self._address = address
        self._token = token or TokenFile(SERVER_TOKEN)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        try:
            token = self._token()
        except NotInCluster as error:
            raise Unreachable(str(error)) from error
        session = await self._open()
        try:
            return await send(session, self._server + path, body, {**headers, "Authorization": f"Bearer {token}"})
        except Unreachable as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
                await self.close()
            raise

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            try:
                trust = ssl.create_default_context(cadata=await authority(self._resources, self._namespace))
            except (StoreError, ssl.SSLError) as error:
                raise Unreachable(f"ConfigMap {self._namespace}/{AUTHORITY}: {error}") from error
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust, local_addr=(self._address, 0)), timeout=REQUEST
            )
        return self._session


async def send(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, str]:  # fmt: skip
    try:
        async with session.post(url, data=body, headers=headers, timeout=REQUEST) as answer:
            return answer.status, await answer.text()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unreachable(str(error) or type(error).__name__) from error


async def authority(resources: Resources, namespace: str) -> str:
    """The certificates (PEM) that Kodkod's server is known by. Raises StoreError, NotFound where there are none yet."""
    found = await resources.get(kinds.CONFIG_MAP, AUTHORITY, namespace)
    return str((found.get("data") or {}).get(AUTHORITY_KEY) or "")


async def await_authority(resources: Resources, namespace: str) -> str:
    """The same, waiting until the server has published it."""
    while True:
        try:
            text = await authority(resources, namespace)
        except StoreError:
            text = ""
        if text:
            return text
        await asyncio.sleep(LOOK_S)
