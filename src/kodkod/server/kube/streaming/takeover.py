"""How does a SPDY exec get past an HTTP server? The request runs through the application like any other; its handler
then takes the connection over.

kubectl before 1.30 sends `POST …/exec` with `Upgrade: SPDY/3.1`. ASGI knows no such upgrade, but uvicorn's protocol can
be subclassed: it puts a `Takeover` into the scope of such a request, so that authentication, authorisation and audit
see an ordinary POST and may refuse it with an ordinary answer. Only the handler that accepts writes `101` and swaps
protocols.
uvicorn's HttpToolsProtocol is no public API: pyproject bounds its version, and the tests here run the real kubectl.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kodkod.server.kube.streaming import spdy
from kodkod.server.kube.streaming.session import Disconnected, Input, Resize
from kodkod.server.kube.streaming.websocket import parse_resize

EXTENSION: Final = "kodkod.spdy"
INPUT_QUEUED_MAX = 1 << 20
"""Bytes of stdin held while the process does not read; past it the client is not read from."""


class TakeoverProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol; hand it over as `http=TakeoverProtocol`."""

    def on_headers_complete(self) -> None:
        if self._get_upgrade() == b"spdy/3.1":
            # A live object where ASGI's types know plain data: only our own handler looks for it.
            extensions: Any = {EXTENSION: Takeover(self)}
            self.scope["extensions"] = extensions
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        if self._get_upgrade() != b"spdy/3.1":
            super()._unsupported_upgrade_warning()


class Takeover:
    """The right to leave HTTP on one connection, used at most once, by the handler of its request."""

    def __init__(self, http: TakeoverProtocol) -> None:
        self._http = http

    def accept(self, protocol_name: str) -> SpdyChannels:
        """Answer 101 and speak SPDY from here on."""
        http = self._http
        cycle: RequestResponseCycle = http.cycle
        # The cycle must neither answer nor wait: for it this request is over.
        cycle.response_started = cycle.response_complete = True
        http.connections.discard(http)
        channels = SpdyChannels(http.transport)
        http.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            b"X-Stream-Protocol-Version: " + protocol_name.encode() + b"\r\n\r\n"
        )
        http.transport.set_protocol(channels.protocol)
        http.flow.resume_reading()
        return channels


class SpdyChannels:
    """`session.Channels` over a connection that speaks SPDY.

    The client opens one stream for each of error, stdin, stdout, stderr, resize, named by the header `streamtype`.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._writer = spdy.Writer()
        self._reader = spdy.Reader()
        self._streams: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._resize_text = b""
        self._moves: asyncio.Queue[Input | Resize | None] = asyncio.Queue()
        self._queued_bytes = 0
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._gone = False
        self.protocol = _Wire(self)

    async def opened(self, wanted: set[str], *, timeout_s: float = 30.0) -> None:
        """Wait until the client has opened the streams we are to use. Raises Disconnected, TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not wanted <= self._streams.keys():
                if self._gone:
                    raise Disconnected
                self._news.clear()
                await self._news.wait()

    async def receive(self) -> Input | Resize:
        move = await self._moves.get()
        if move is None:
            raise Disconnected
        if isinstance(move, Input):
            self._queued_bytes -= len(move.data)
            if self._queued_bytes <= INPUT_QUEUED_MAX and not self._transport.is_closing():
                self._transport.resume_reading()
        return move

    async def send_stdout(self, payload: bytes) -> None:
        await self._send("stdout", payload)

    async def send_stderr(self, payload: bytes) -> None:
        await self._send("stderr", payload)

    async def finish(self, status: dict[str, Any]) -> None:
        for name in ("stdout", "stderr"):
            await self._send(name, b"", fin=True)
        await self._send("error", json.dumps(status).encode(), fin=True)
        self._transport.write(spdy.go_away(max(self._names, default=0)))
        self._transport.close()

    async def _send(self, name: str, payload: bytes, *, fin: bool = False) -> None:
        await self._writable.wait()
        if self._gone:
            raise Disconnected
        stream = self._streams.get(name)
        if stream is not None:
            self._transport.write(spdy.data(stream, payload, fin=fin))

    # Called by the wire, on the event loop.

    def take(self, received: bytes) -> None:
        try:
            for frame in self._reader.feed(received):
                self._take_frame(frame)
        except spdy.SpdyError:
            self.lose()
            self._transport.close()

    def _take_frame(self, frame: spdy.Frame) -> None:
        match frame:
            case spdy.StreamOpened(stream, headers, fin):
                self._open(stream, headers.get("streamtype", ""))
                if fin:
                    self._ended(stream)
            case spdy.Data(stream, payload, fin):
                self._data(stream, payload)
                if fin:
                    self._ended(stream)
            case spdy.StreamReset(stream, _):
                self._ended(stream)
            case spdy.Ping(number):
                self._transport.write(spdy.ping(number))
            case spdy.GoAway():
                pass

    def _open(self, stream: int, name: str) -> None:
        if name not in {"error", "stdin", "stdout", "stderr", "resize"} or name in self._streams:
            self._transport.write(spdy.reset(stream, 3))
            return
        self._streams[name] = stream
        self._names[stream] = name
        self._transport.write(self._writer.reply(stream))
        self._news.set()

    def _data(self, stream: int, payload: bytes) -> None:
        name = self._names.get(stream)
        if name == "stdin" and payload:
            self._queued_bytes += len(payload)
            self._moves.put_nowait(Input(payload))
            if self._queued_bytes > INPUT_QUEUED_MAX:
                self._transport.pause_reading()
        elif name == "resize":
            # A JSON document a line in practice; a document cut in two waits for its rest.
            self._resize_text = (self._resize_text + payload)[-4096:]
            if (resize := parse_resize(self._resize_text)) is not None:
                self._moves.put_nowait(resize)
                self._resize_text = b""

    def _ended(self, stream: int) -> None:
        if self._names.get(stream) == "stdin":
            self._moves.put_nowait(Input(b"", end=True))

    def lose(self) -> None:
        self._gone = True
        self._moves.put_nowait(None)
        self._writable.set()
        self._news.set()

    def pause(self) -> None:
        self._writable.clear()

    def resume(self) -> None:
        self._writable.set()


class _Wire(asyncio.Protocol):
    """The asyncio face of SpdyChannels."""

    def __init__(self, channels: SpdyChannels) -> None:
        self._channels = channels

    def data_received(self, data: bytes) -> None:
        self._channels.take(data)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, _exc: Exception | None) -> None:
        self._channels.lose()

    def pause_writing(self) -> None:
        self._channels.pause()

    def resume_writing(self) -> None:
        self._channels.resume()
