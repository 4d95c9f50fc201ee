"""Who may fetch capture files from a node? The server alone, by its client certificate.

Names are checked by `capture.files`; a snapshot ends at a packet boundary; a range continues where a reader stopped.
What this server shows of itself, and whose clients it believes, is an `Identity`: see `identities`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from kodkod.agent.identities import Identity
from kodkod.capture.files import UnsafeName
from kodkod.capture.node import CaptureNode

CHUNK_BYTES = 256 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FileServer:
    """`start` listens on a free port; `address` is then its base URL, `certificate` what it shows, if of its making."""

    def __init__(self, node: CaptureNode, identity: Identity) -> None:
        self._node = node
        self._identity = identity
        self._runner: web.AppRunner | None = None
        self.address = ""
        self.certificate = ""

    async def start(self) -> None:
        """Waits for the identity. Raises OSError where the certificates are not there or no port can be had."""
        tls = await self._identity.tls()
        app = web.Application(middlewares=[self._of_server])
        app.router.add_get("/files/{namespace}/{name}", self._list)
        app.router.add_delete("/files/{namespace}/{name}", self._delete)
        app.router.add_get("/files/{namespace}/{name}/{id}", self._read)
        app.router.add_get("/places/{name}", self._places)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        host = self._identity.host
        await web.TCPSite(self._runner, host, 0, ssl_context=tls).start()
        port = self._runner.addresses[0][1]
        self.certificate = self._identity.certificate
        self.address = f"https://{f'[{host}]' if ':' in host else host}:{port}"

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _of_server(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The handshake has shown that our authority vouches for the client; here is who it is."""
        shown = request.get_extra_info("peercert") or {}
        names = [value for part in shown.get("subject", ()) for key, value in part if key == "commonName"]
        if self._identity.client and names != [self._identity.client]:
            raise web.HTTPForbidden(text=f"only {self._identity.client} may ask")
        return await handler(request)

    async def _list(self, request: web.Request) -> web.Response:
        """With `?sealed=1` each file's checksum and its length up to the last whole packet."""
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        try:
            await asyncio.to_thread(self._node.flush, namespace, name)
            folder = self._node.folder(namespace, name)
            if request.query.get("sealed"):
                found = [asdict(one) for one in await asyncio.to_thread(folder.sealed)]
            else:
                files = await asyncio.to_thread(folder.files, identify=True)
                found = [{"name": one.name, "bytes": one.bytes, "id": one.id, "active": one.active} for one in files]
        except UnsafeName as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response({"node": self._node.node, "files": found})

    async def _places(self, request: web.Request) -> web.Response:
        """Where there are files of captures of one name, their objects gone or not."""
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
