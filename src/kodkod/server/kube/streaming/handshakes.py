"""What becomes of a WebSocket that is refused? It has its answer; uvicorn would call it a handshake that was forgotten.

uvicorn's WebSocketsSansIOProtocol is no public API: pyproject bounds its version, and a test refuses a real client.
"""

from __future__ import annotations

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class RefusingProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol; hand it over as `ws=RefusingProtocol`."""

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # with a refusal: nothing is missing, so no error is to be logged
