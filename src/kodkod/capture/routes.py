"""Who may fetch a capture's files, and in which form? A zip under the product's paths and as a subresource.

Rights are `get` and `delete` on `packetcaptures/files` of the namespace; each read is an audit record, refusals
included. Answers other than a zip are one line of text, with the codes of the spec: 401, 403, 404, 409, 500.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, Any, Protocol

import aiohttp
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from kodkod.access import Authorizer, Caller
from kodkod.access import Request as Right
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
        ]

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
        """`…/packetcaptures/{name}/files`: a JSON list; `files/zip` is all in one, `files/{node}/{file}` is one."""
        if request.method == "DELETE":
            return await self.delete(request, namespace, name)
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

    async def download(self, _request: Request, namespace: str, name: str) -> Response:
        """All files of all nodes as one flat zip; the active ones as they are now."""
        found = await self._found(namespace, name)
        if isinstance(found, Response):
            return found
        if not found.files:
            known = await self._exists(namespace, name)
            return refusal(404, "no file yet" if known else f"no capture {namespace}/{name}")
        spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  # closed when sent
        try:
            await self._fill(spool, found, namespace, name)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            spool.close()
            return refusal(500, f"a node failed while its files were read: {error}")
        headers = {"Content-Disposition": 'attachment; filename="files.zip"'}
        if found.unreachable:
            headers["X-Unreachable-Nodes"] = ",".join(found.unreachable)
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
            return refusal(500, f"not reached: {', '.join(unreachable)}")
        if gone == 0 and not await self._exists(namespace, name):
            return refusal(404, f"no capture {namespace}/{name}, and no file of one")
        return JSONResponse({"deleted": gone})

    async def _found(self, namespace: str, name: str) -> Found | Response:
        if (bad := checked(namespace, name)) is not None:
            return bad
        return await self._nodes.files(await self._reports(), namespace, name)

    async def _reports(self) -> list[Object]:
        return (await self._resources.list(kinds.NODE_REPORT)).items

    async def _exists(self, namespace: str, name: str) -> bool:
        try:
            await self._resources.get(kinds.PACKET_CAPTURE, name, namespace)
        except NotFound:
            return False
        return True

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
