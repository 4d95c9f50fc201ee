"""Who may fetch capture files from a node? The server alone, by a certificate of the same authority.

Names are checked by `capture.files`; a snapshot ends at a packet boundary; a range continues where a reader stopped.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from kodkod.capture.files import UnsafeName
from kodkod.capture.node import CaptureNode

CHUNK_BYTES = 256 * 1024
HOST = "127.0.0.1"


def tls(pki: Path) -> ssl.SSLContext:
    """The node's certificate; a client without one of our authority gets no further than the handshake."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "node.crt", pki / "node.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class FileServer:
    """`start` listens on a free port; `address` is then its base URL."""

    def __init__(self, node: CaptureNode, pki: Path) -> None:
        self._node = node
        self._pki = pki
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def start(self) -> None:
        """Raises OSError where the certificates are not there or no port can be had."""
        app = web.Application()
        app.router.add_get("/places/{name}", self._places)
        app.router.add_get("/files/{namespace}/{name}", self._list)
        app.router.add_delete("/files/{namespace}/{name}", self._delete)
        app.router.add_get("/files/{namespace}/{name}/{id}", self._read)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, 0, ssl_context=tls(self._pki))
        await site.start()
        port = self._runner.addresses[0][1]
        self.address = f"https://{HOST}:{port}"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _list(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        try:
            await asyncio.to_thread(self._node.flush, namespace, name)
            folder = self._node.folder(namespace, name)
            if "sealed" in request.query:
                found = [asdict(one) for one in await asyncio.to_thread(folder.sealed)]
            else:
                files = await asyncio.to_thread(folder.files, identify=True)
                found = [{"name": one.name, "bytes": one.bytes, "id": one.id, "active": one.active} for one in files]
        except UnsafeName as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response({"node": self._node.node, "files": found})

    async def _places(self, request: web.Request) -> web.Response:
        """Namespaces in which this node holds files of captures of a name, whether the objects are there or gone."""
        try:
            found = await asyncio.to_thread(self._node.namespaces_of, request.match_info["name"])
        except UnsafeName as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response({"node": self._node.node, "namespaces": found})

    async def _read(self, request: web.Request) -> web.StreamResponse:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        try:
            folder = self._node.folder(namespace, name)
            handle, length = await asyncio.to_thread(folder.open, request.match_info["id"])
        except UnsafeName as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except FileNotFoundError as error:
            raise web.HTTPGone(text="rotation has discarded this file") from error
        with handle:
            begin, end = asked_range(request, length)
            answer = web.StreamResponse(
                status=206 if "Range" in request.headers else 200,
                headers={"Content-Type": "application/vnd.tcpdump.pcap", "Accept-Ranges": "bytes"},
            )
            if answer.status == 206:
                answer.headers["Content-Range"] = f"bytes {begin}-{end - 1}/{length}"
            answer.content_length = left = end - begin
            await answer.prepare(request)
            await asyncio.to_thread(handle.seek, begin)
            while left > 0:
                chunk = await asyncio.to_thread(handle.read, min(CHUNK_BYTES, left))
                if not chunk:
                    break
                await answer.write(chunk)
                left -= len(chunk)
            await answer.write_eof()
            return answer

    async def _delete(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        try:
            gone = await asyncio.to_thread(self._node.delete_files, namespace, name)
        except UnsafeName as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        except BlockingIOError as error:
            raise web.HTTPConflict(text=str(error)) from error
        return web.json_response({"node": self._node.node, "deleted": gone})


def asked_range(request: web.Request, length: int) -> tuple[int, int]:
    """First byte and the one after the last. Raises 416 for a range that is none or lies outside (RFC 9110 14.1)."""
    refused = web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{length}"})
    try:
        asked = request.http_range
    except ValueError as error:
        raise refused from error
    begin, end, _ = asked.indices(length)
    if "Range" in request.headers and begin >= end:
        raise refused
    return begin, end
