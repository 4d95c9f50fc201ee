"""How does kubectl 1.30 and newer carry an exec? `v5.channel.k8s.io` (and `v4`): the first byte names the channel."""

from __future__ import annotations

import json
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from kodkod.server.kube.streaming.session import Disconnected, Input, Resize

SUBPROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""Best first. Only v5 can close one channel: v4 ends stdin by ending the connection."""

_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255


def choose(offered: list[str]) -> str | None:
    """Our best common subprotocol."""
    return next((name for name in SUBPROTOCOLS if name in offered), None)


class WebSocketChannels:
    """`session.Channels` over an accepted WebSocket."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Input | Resize:
        while True:
            message = await self._message()
            if len(message) == 2 and message[0] == _CLOSE:
                if message[1] == _STDIN:
                    return Input(b"", end=True)
            elif message[:1] == bytes([_STDIN]) and len(message) > 1:
                return Input(message[1:])
            elif message[:1] == bytes([_RESIZE]) and (resize := parse_resize(message[1:])) is not None:
                return resize

    async def _message(self) -> bytes:
        try:
            message = await self._socket.receive()
        except (WebSocketDisconnect, RuntimeError) as gone:
            raise Disconnected from gone
        if message["type"] == "websocket.disconnect":
            raise Disconnected
        body = message.get("bytes")
        return body if body is not None else (message.get("text") or "").encode()

    async def send_stdout(self, payload: bytes) -> None:
        await self._send(_STDOUT, payload)

    async def send_stderr(self, payload: bytes) -> None:
        await self._send(_STDERR, payload)

    async def finish(self, status: dict[str, Any]) -> None:
        await self._send(_STATUS, json.dumps(status).encode())
        try:
            await self._socket.close(1000)
        except (WebSocketDisconnect, RuntimeError) as gone:
            raise Disconnected from gone

    async def _send(self, channel: int, payload: bytes) -> None:
        try:
            await self._socket.send_bytes(bytes([channel]) + payload)
        except (WebSocketDisconnect, RuntimeError) as gone:
            raise Disconnected from gone


def parse_resize(payload: bytes) -> Resize | None:
    """`{"Width": columns, "Height": rows}`; None for anything else, because odd input is no reason to end a shell."""
    try:
        size = json.loads(payload)
        columns, rows = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError):
        return None
    return Resize(columns, rows) if 0 < columns < 65536 and 0 < rows < 65536 else None
