"""How does the server fetch capture files from the nodes? Over TLS with its own certificate, node by node.

A node that does not answer costs only its own files; the caller is told which.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from kodkod.capture import telemetry
from kodkod.resources import Object

CONNECT_S = 5.0
IDLE_S = 30.0
CHUNK_BYTES = 256 * 1024
PASSED_ON = ("Content-Length", "Content-Range", "Accept-Ranges")
"""Headers of a node's answer that the reader needs."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One capture file on a node. id: survives a renaming at rotation."""

    node: str
    address: str
    name: str
    bytes: int
    id: str
    active: bool


@dataclass(frozen=True, slots=True)
class Found:
    """unreachable: nodes that did not answer."""

    files: list[RemoteFile] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)


class Busy(Exception):
    """A node is recording: its files cannot be deleted now."""


class Vanished(Exception):
    """A file that was listed is not there any more: rotation has discarded it."""


class Stream:
    """Bytes on their way from a node. Iterating to the end, or `close`, lets the connection go."""

    def __init__(
        self, status: int, headers: dict[str, str], content: AsyncIterator[bytes], stack: contextlib.AsyncExitStack
    ) -> None:
        self.status = status
        self.headers = headers
        self._content = content
        self._stack = stack

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._content:
                yield chunk
        finally:
            await self.close()

    async def close(self) -> None:
        await self._stack.aclose()


class Nodes:
    """The nodes' file servers. pki: folder with the authority and the server's own certificate."""

    def __init__(self, pki: Path) -> None:
        self._pki = pki

    def _session(self) -> aiohttp.ClientSession:
        trust = ssl.create_default_context(cafile=str(self._pki / "ca.crt"))
        trust.load_cert_chain(self._pki / "client.crt", self._pki / "client.key")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=IDLE_S)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust), timeout=timeout)

    async def files(self, reports: Iterable[Object], namespace: str, name: str) -> Found:
        """Files of one capture on all nodes, sorted by node and name."""
        found = Found()
        async with self._session() as session:
            for node, address in sorted(addresses(reports).items()):
                try:
                    async with session.get(f"{address}/files/{namespace}/{name}") as answer:
                        answer.raise_for_status()
                        listed: dict[str, Any] = await answer.json()
                except (aiohttp.ClientError, TimeoutError) as error:
                    telemetry.node_not_reached(node, str(error))
                    found.unreachable.append(node)
                    continue
                found.files.extend(RemoteFile(node=node, address=address, **file) for file in listed["files"])
        return found

    async def open(self, file: RemoteFile, namespace: str, name: str, asked_range: str = "") -> Stream:
        """A file's bytes up to its last whole packet, or a range of them. The stream has to be read or closed.

        Raises aiohttp.ClientError or TimeoutError where the node is not reached.
        """
        url = f"{file.address}/files/{namespace}/{name}/{file.id}"
        stack = contextlib.AsyncExitStack()
        try:
            session = await stack.enter_async_context(self._session())
            headers = {"Range": asked_range} if asked_range else {}
            answer = await stack.enter_async_context(session.get(url, headers=headers))
        except BaseException:
            await stack.aclose()
            raise
        shown = {key: answer.headers[key] for key in PASSED_ON if key in answer.headers}
        return Stream(answer.status, shown, answer.content.iter_chunked(CHUNK_BYTES), stack)

    async def read(self, file: RemoteFile, namespace: str, name: str) -> AsyncIterator[bytes]:
        """A whole file. Raises Vanished where rotation discarded it, aiohttp.ClientError where the node goes."""
        stream = await self.open(file, namespace, name)
        if stream.status != 200:
            await stream.close()
            raise Vanished(f"{file.name} on {file.node}: status {stream.status}")
        async for chunk in stream:
            yield chunk

    async def delete(self, reports: Iterable[Object], namespace: str, name: str) -> tuple[int, list[str]]:
        """Delete the files on all nodes. Returns how many went and which nodes did not answer. Raises Busy."""
        gone, unreachable = 0, []
        async with self._session() as session:
            for node, address in sorted(addresses(reports).items()):
                try:
                    async with session.delete(f"{address}/files/{namespace}/{name}") as answer:
                        if answer.status == 409:
                            raise Busy(node)
                        answer.raise_for_status()
                        gone += int((await answer.json())["deleted"])
                except (aiohttp.ClientError, TimeoutError) as error:
                    telemetry.node_not_reached(node, str(error))
                    unreachable.append(node)
        return gone, unreachable


def addresses(reports: Iterable[Object]) -> dict[str, str]:
    """File servers by node, from the agents' reports."""
    found = {}
    for report in reports:
        address = (report.get("status") or {}).get("address")
        if report["spec"]["role"] == "agent" and address:
            found[report["spec"]["node"]] = address
    return found
