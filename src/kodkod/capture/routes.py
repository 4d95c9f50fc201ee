"""Who may fetch a capture's files, and in which form? A zip under the product's paths and as a subresource.

Rights are `get` and `delete` on `packetcaptures/files` of the namespace; each read is an audit record, refusals
included. Answers other than a zip are one line of text, with the codes of the spec: 401, 403, 404, 409, 500.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import IO, Any, Protocol

import aiohttp
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from kodkod.access import Authorizer, Caller
from kodkod.access import Request as Right
from kodkod.capture.archive import Archive, Entry
from kodkod.capture.files import Folder, UnsafeName
from kodkod.capture.retrieval import Busy, Found, Nodes, RemoteFile, Vanished
from kodkod.resources import Object, kinds
from kodkod.store import Resources
from kodkod.store.errors import NotFound

IN_MEMORY_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 256 * 1024


class Record(Protocol):
    """Writes one audit record of a read or deletion of packets."""

    def __call__(self, request: Request, *, verb: str, namespace: str, name: str, code: int) -> None: ...


class FileRoutes:
    """Handlers over the nodes' files."""

    def __init__(self, resources: Resources, authorizer: Authorizer, nodes: Nodes, record: Record) -> None:
        self._resources = resources
        self._authorizer = authorizer
        self._nodes = nodes
        self._record = record

    def routes(self) -> list[tuple[str, list[str], Callable[[Request], Any]]]:
        """The product's paths: path, methods, handler."""
        return [
            ("/packet-capture/download/{namespace}/{name}/files.zip", ["GET", "DELETE"], self.product),
            ("/packet-capture/files/{namespace}/{name}/files.zip", ["DELETE"], self.product),
            ("/packet-capture/{rest:path}", ["GET", "DELETE", "POST", "PUT"], self.nowhere),
        ]

    async def nowhere(self, _request: Request) -> Response:
        """Else the console's page would be saved as a zip."""
        return refusal(404, "there is /packet-capture/download/{namespace}/{name}/files.zip (GET, DELETE)")

    async def product(self, request: Request) -> Response:
        """Rights are checked here; the Kubernetes face checks them for the subresource itself."""
        namespace, name = request.path_params["namespace"], request.path_params["name"]
        verb = "delete" if request.method == "DELETE" else "get"
        caller: Caller = request.state.caller
        group = kinds.PACKET_CAPTURE.group
        right = Right(verb, group, kinds.PACKET_CAPTURE.plural, "files", namespace, name)
        answer: Response
        if not await self._authorizer.allows(caller, right):
            answer = refusal(403, f'{caller.name} may not {verb} packetcaptures/files in namespace "{namespace}"')
        else:
            answer = await (self.delete if verb == "delete" else self.download)(request, namespace, name)
        self._record(request, verb=verb, namespace=namespace, name=name, code=answer.status_code)
        return answer

    async def subresource(self, request: Request, namespace: str, name: str, rest: str) -> Response:
        """`…/packetcaptures/{name}/files`: a JSON list; `files/zip` is all in one, `files/{node}/{file}` is one.

        Without a namespace: where there are files of captures of this name, though their objects be gone.
        """
        if request.method == "DELETE" and namespace:
            return await self.delete(request, namespace, name)
        if not namespace:
            known = await self._everywhere(name) if request.method == "GET" and not rest else None
            return known or refusal(405, "of all namespaces only the list of files can be had")
        if rest == "zip":
            return await self.download(request, namespace, name)
        found = await self._found(namespace, name)
        if isinstance(found, Response):
            return found
        if not rest:
            return await self._listing(found, namespace, name)
        node, _, wanted = rest.partition("/")
        return await self._one(request, found, node, wanted, namespace, name)

    async def _listing(self, found: Found, namespace: str, name: str) -> Response:
        """Files with the ids by which each can be fetched though it is rotated meanwhile."""
        if not found.files and not found.unreachable and not await self._exists(namespace, name):
            return refusal(404, f"no capture {namespace}/{name}")
        listed = [
            {"node": file.node, "name": file.name, "id": file.id, "bytes": file.bytes, "active": file.active}
            for file in found.files
        ]
        return JSONResponse({"kind": "PacketCaptureFiles", "items": listed, "unreachable": found.unreachable})

    async def _one(self, request: Request, found: Found, node: str, wanted: str, namespace: str, name: str) -> Response:
        """One file by name or id, whole or a range of it."""
        on_node = [file for file in found.files if file.node == node]
        chosen = next((file for file in on_node if wanted in (file.name, file.id)), None)
        if chosen is None and node in found.unreachable:
            return refusal(500, f"not reached: {node}")
        if chosen is None:
            return refusal(404, f"no file {wanted} on node {node}")
        try:
            stream = await self._nodes.open(chosen, namespace, name, request.headers.get("range", ""))
        except (aiohttp.ClientError, TimeoutError) as error:
            return refusal(500, f"node {node} failed: {error}")
        if stream.status not in (200, 206):
            await stream.close()
            if stream.status == 416:
                length = {"Content-Range": stream.headers.get("Content-Range", "bytes */0")}
                return PlainTextResponse("416: no such range\n", 416, headers=length)
            return refusal(404, f"{wanted} is gone: rotation has discarded it")
        return StreamingResponse(
            aiter(stream), stream.status, headers=stream.headers, media_type="application/vnd.tcpdump.pcap"
        )

    async def _everywhere(self, name: str) -> Response:
        if (bad := checked("any", name)) is not None:
            return bad
        found, unreachable = await self._nodes.namespaces_of(await self._reports(), name)
        items = [{"namespace": namespace, "name": name} for namespace in found]
        return JSONResponse({"kind": "PacketCaptureFilesList", "items": items, "unreachable": unreachable})

    async def download(self, request: Request, namespace: str, name: str) -> Response:
        """All files of all nodes as one flat zip. Of a capture that has ended in ranges, else as it is now."""
        has_ended = await self._has_ended(namespace, name)
        found = await self._found(namespace, name, sealed=has_ended)
        if isinstance(found, Response):
            return found
        if not found.files and found.unreachable:
            return refusal(500, f"not reached: {', '.join(found.unreachable)}")
        if not found.files:
            known = await self._exists(namespace, name)
            return refusal(404, "no file yet" if known else f"no capture {namespace}/{name}")
        headers = {"Content-Disposition": 'attachment; filename="files.zip"'}
        if found.unreachable:
            headers["X-Unreachable-Nodes"] = ",".join(found.unreachable)
        if has_ended:
            return self._ranged(request, found, headers, namespace, name)
        return await self._spooled(found, headers, namespace, name)

    def _ranged(self, request: Request, found: Found, headers: dict[str, str], namespace: str, name: str) -> Response:
        """Nothing is written any more, so every byte is known and a broken download goes on where it broke."""
        archive = archived(found.files)
        headers |= {"Accept-Ranges": "bytes", "ETag": archive.etag}
        asked = request.headers.get("range", "")
        if request.headers.get("if-range", archive.etag) != archive.etag:
            asked = ""  # of another state of the files: from the start
        try:
            begin, end = byte_range(asked, archive.bytes)
        except Unsatisfiable:
            headers = {"Content-Range": f"bytes */{archive.bytes}"}
            return PlainTextResponse("416: no such range\n", 416, headers=headers)
        headers["Content-Length"] = str(end - begin)
        code = 206 if asked and (begin, end) != (0, archive.bytes) else 200
        if code == 206:
            headers["Content-Range"] = f"bytes {begin}-{end - 1}/{archive.bytes}"
        content = self._pieces(archive, begin, end, namespace, name)
        return StreamingResponse(content, code, headers=headers, media_type="application/zip")

    async def _pieces(
        self, archive: Archive[RemoteFile], begin: int, end: int, namespace: str, name: str
    ) -> AsyncIterator[bytes]:
        for piece in archive.pieces(begin, end):
            if isinstance(piece, bytes):
                yield piece
                continue
            async for chunk in self._nodes.part(piece.source, namespace, name, piece.begin, piece.end):
                yield chunk

    async def _spooled(self, found: Found, headers: dict[str, str], namespace: str, name: str) -> Response:
        """Of a running capture: read whole before the first byte goes out, since rotation discards files meanwhile."""
        spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  # closed when sent
        try:
            await self._fill(spool, found, namespace, name)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            spool.close()
            return refusal(500, f"a node failed while its files were read: {error}")
        return StreamingResponse(chunks(spool), media_type="application/zip", headers=headers)

    async def _fill(self, spool: IO[bytes], found: Found, namespace: str, name: str) -> None:
        with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
            for file, shown in named(found.files):
                try:
                    first = await anext(chunks_of := self._nodes.read(file, namespace, name), b"")
                except Vanished:
                    continue  # rotation discarded it after it was listed; what is left is handed out
                with archive.open(shown, "w", force_zip64=True) as entry:
                    await run_in_threadpool(entry.write, first)
                    async for chunk in chunks_of:
                        await run_in_threadpool(entry.write, chunk)
        spool.seek(0)

    async def delete(self, _request: Request, namespace: str, name: str) -> Response:
        """Remove the files of a capture that is Finished, or whose object is gone."""
        if (bad := checked(namespace, name)) is not None:
            return bad
        if await self._is_running(namespace, name):
            return refusal(409, "files can be deleted once the capture is Finished")
        try:
            gone, unreachable = await self._nodes.delete(await self._reports(), namespace, name)
        except Busy as error:
            return refusal(409, f"node {error} is still recording")
        if unreachable:
            return refusal(500, f"not reached: {', '.join(unreachable)}; of the others {gone} files were deleted")
        if gone == 0 and not await self._exists(namespace, name):
            return refusal(404, f"no capture {namespace}/{name}, and no file of one")
        return JSONResponse({"deleted": gone})

    async def _found(self, namespace: str, name: str, *, sealed: bool = False) -> Found | Response:
        if (bad := checked(namespace, name)) is not None:
            return bad
        return await self._nodes.files(await self._reports(), namespace, name, sealed=sealed)

    async def _reports(self) -> list[Object]:
        return (await self._resources.list(kinds.NODE_REPORT)).items

    async def _exists(self, namespace: str, name: str) -> bool:
        try:
            await self._resources.get(kinds.PACKET_CAPTURE, name, namespace)
        except NotFound:
            return False
        return True

    async def _has_ended(self, namespace: str, name: str) -> bool:
        """Whether nothing is written any more: Finished, or the object is gone."""
        try:
            capture = await self._resources.get(kinds.PACKET_CAPTURE, name, namespace)
        except NotFound:
            return True
        return (capture.get("status") or {}).get("state") == "Finished"

    async def _is_running(self, namespace: str, name: str) -> bool:
        try:
            capture = await self._resources.get(kinds.PACKET_CAPTURE, name, namespace)
        except NotFound:
            return False
        return (capture.get("status") or {}).get("state") not in ("Finished", None)


def named(files: list[RemoteFile]) -> Iterator[tuple[RemoteFile, str]]:
    """Names in the flat zip: a file's own, with its node before it where two nodes have the same."""
    counts: dict[str, int] = {}
    for file in files:
        counts[file.name] = counts.get(file.name, 0) + 1
    for file in files:
        yield file, file.name if counts[file.name] == 1 else f"{file.node}_{file.name}"


def archived(files: list[RemoteFile]) -> Archive[RemoteFile]:
    """The layout of the zip; files carry their checksums."""
    return Archive(
        [
            Entry(shown, file.bytes, file.crc32, datetime.fromtimestamp(file.mtime_ns // 10**9, UTC), file)
            for file, shown in named(files)
        ]
    )


class Unsatisfiable(Exception):
    """A range that lies outside (RFC 9110 14.1.2)."""


def byte_range(header: str, length: int) -> tuple[int, int]:
    """First byte and the one after the last; all of it for no range, for several, and for what is none."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if match is None or match.groups() == ("", ""):
        return 0, length
    first, last = match.groups()
    begin = int(first) if first else max(length - int(last), 0)
    end = min(int(last) + 1, length) if first and last else length
    if begin >= end:
        raise Unsatisfiable(header)
    return begin, end


def checked(namespace: str, name: str) -> Response | None:
    """Refuses names that could lead out of the capture directory, before any node hears of them."""
    try:
        Folder("/", namespace, name)
    except UnsafeName as error:
        return refusal(404, str(error))
    return None


def refusal(code: int, message: str) -> PlainTextResponse:
    return PlainTextResponse(f"{code}: {message}\n", code)


async def chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while chunk := await run_in_threadpool(file.read, CHUNK_BYTES):
            yield chunk
