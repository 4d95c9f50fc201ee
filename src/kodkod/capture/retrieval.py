"""How does the server fetch capture files from the nodes? Over TLS with its own certificate, node by node.

A node that publishes its certificate in its report is believed with exactly this one; else the authority decides.

A node that does not answer costs only its own files; the caller is told which.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from kodkod.capture import telemetry
from kodkod.resources import Object

CONNECT_S = 5.0
IDLE_S = 30.0
CHUNK_BYTES = 256 * 1024
PASSED_ON = ("Content-Length", "Content-Range", "Accept-Ranges")
"""Headers of a node's answer that the reader needs."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node's file server. certificate: PEM, as the node published it; "" where the authority vouches for it."""

    address: str
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One capture file on a node. id: survives a renaming at rotation. crc32, mtime_ns: only where asked for."""

    node: str
    place: Place
    name: str
    bytes: int
    id: str
    active: bool
    crc32: int = 0
    mtime_ns: int = 0


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


class Trust(Protocol):
    """Whoever holds the server's own certificate."""

    def towards(self, certificate: str) -> ssl.SSLContext:
        """A client context that shows ours and believes a node with this certificate; with "" the authority's."""
        ...


class PkiFolder:
    """Certificates of one host: `ca.crt`, `client.crt` and `client.key` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def towards(self, certificate: str) -> ssl.SSLContext:
        context = pinned(certificate) if certificate else ssl.create_default_context(cafile=self._folder / "ca.crt")
        context.load_cert_chain(self._folder / "client.crt", self._folder / "client.key")
        return context


def pinned(certificate: str) -> ssl.SSLContext:
    """A client context that believes this one certificate, whatever name it bears. Raises ssl.SSLError for no PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=certificate)
    return context


class Nodes:
    """The nodes' file servers."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust

    def _session(self, place: Place) -> aiohttp.ClientSession:
        """Raises ssl.SSLError, an OSError, where the published certificate is none."""
        context = self._trust.towards(place.certificate)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=IDLE_S)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), timeout=timeout)

    async def files(self, reports: Iterable[Object], namespace: str, name: str, *, sealed: bool = False) -> Found:
        """Files of one capture on all nodes, sorted by node and name. sealed: with checksums and to the last packet."""
        found = Found()
        question = "?sealed=1" if sealed else ""
        for node, place in sorted(places(reports).items()):
            listed = await self._listed(node, place, f"/files/{namespace}/{name}{question}")
            if listed is None:
                found.unreachable.append(node)
            else:
                found.files.extend(RemoteFile(node=node, place=place, **file) for file in listed["files"])
        return found

    async def namespaces_of(self, reports: Iterable[Object], name: str) -> tuple[list[str], list[str]]:
        """Namespaces with files of captures of a name, their objects gone or not; and the nodes not reached."""
        found: set[str] = set()
        unreachable = []
        for node, place in sorted(places(reports).items()):
            listed = await self._listed(node, place, f"/places/{name}")
            if listed is None:
                unreachable.append(node)
            else:
                found.update(listed["namespaces"])
        return sorted(found), unreachable

    async def _listed(self, node: str, place: Place, path: str) -> dict[str, Any] | None:
        """A node's answer; None, counted and logged, where it does not answer."""
        try:
            async with self._session(place) as session, session.get(f"{place.address}{path}") as answer:
                answer.raise_for_status()
                listed: dict[str, Any] = await answer.json()
                return listed
        except (aiohttp.ClientError, ssl.SSLError, TimeoutError) as error:
            telemetry.node_not_reached(node, str(error))
            return None

    async def open(self, file: RemoteFile, namespace: str, name: str, asked_range: str = "") -> Stream:
        """A file's bytes up to its last whole packet, or a range of them. The stream has to be read or closed.

        Raises aiohttp.ClientError or TimeoutError where the node is not reached.
        """
        url = f"{file.place.address}/files/{namespace}/{name}/{file.id}"
        stack = contextlib.AsyncExitStack()
        try:
            session = await stack.enter_async_context(self._session(file.place))
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

    async def part(self, file: RemoteFile, namespace: str, name: str, begin: int, end: int) -> AsyncIterator[bytes]:
        """Bytes [begin, end) of a file. Raises Vanished where they are not there any more."""
        stream = await self.open(file, namespace, name, f"bytes={begin}-{end - 1}")
        missing = end - begin
        if stream.status != 206:
            await stream.close()
            raise Vanished(f"{file.name} on {file.node}: status {stream.status}")
        async for chunk in stream:
            missing -= len(chunk)
            yield chunk
        if missing:
            raise Vanished(f"{file.name} on {file.node}: {missing} bytes are missing")

    async def delete(self, reports: Iterable[Object], namespace: str, name: str) -> tuple[int, list[str]]:
        """Delete the files on all nodes. Returns how many went and which nodes did not answer. Raises Busy."""
        gone, unreachable = 0, []
        for node, place in sorted(places(reports).items()):
            try:
                async with (
                    self._session(place) as session,
                    session.delete(f"{place.address}/files/{namespace}/{name}") as answer,
                ):
                    if answer.status == 409:
                        raise Busy(node)
                    answer.raise_for_status()
                    gone += int((await answer.json())["deleted"])
            except (aiohttp.ClientError, ssl.SSLError, TimeoutError) as error:
                telemetry.node_not_reached(node, str(error))
                unreachable.append(node)
        return gone, unreachable


def places(reports: Iterable[Object]) -> dict[str, Place]:
    """File servers by node, from the agents' reports."""
    found = {}
    for report in reports:
        status = report.get("status") or {}
        if report["spec"]["role"] == "agent" and status.get("address"):
            found[report["spec"]["node"]] = Place(status["address"], status.get("certificate") or "")
    return found
