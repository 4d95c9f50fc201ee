"""Which certificate does the other side of a connection show? ASGI servers do not say; the transport knows.

`PeerProtocol` puts the names of a certificate that was verified in the handshake into each request's scope. Only a
context that asks for certificates gets any, and only those signed by the authorities it was given.
uvicorn's HttpToolsProtocol is no public API: pyproject bounds its version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import HTTPConnection
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

EXTENSION: Final = "kodkod.peer"


@dataclass(frozen=True, slots=True)
class Peer:
    """The subject of a verified certificate."""

    common_name: str


class PeerProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol; hand it over as `http=PeerProtocol`."""

    def on_headers_complete(self) -> None:
        peer = self._peer()
        if peer is not None:
            # A live object where ASGI's types know plain data: only `peer_of` looks for it.
            extensions: Any = {**(self.scope.get("extensions") or {}), EXTENSION: peer}
            self.scope["extensions"] = extensions
        super().on_headers_complete()

    def _peer(self) -> Peer | None:
        encrypted = self.transport.get_extra_info("ssl_object")
        certificate = encrypted.getpeercert() if encrypted is not None else None
        if not certificate:
            return None
        names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
        return Peer(names[-1] if names else "")


def peer_of(connection: HTTPConnection) -> Peer | None:
    """Whose certificate the connection of a request was made with; None where none was shown."""
    found = (connection.scope.get("extensions") or {}).get(EXTENSION)
    return found if isinstance(found, Peer) else None
