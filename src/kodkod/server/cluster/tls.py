"""How is the certificate of a port replaced while it serves? New handshakes use what was loaded into its context last.

A context loads certificates from files alone, so the pair passes through a private folder that is removed at once.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from kodkod.capture.retrieval import pinned
from kodkod.server.cluster.pki import Keys


class Serving:
    """The TLS context of one port. With `asks`, callers may show a certificate of an authority given to `trust`."""

    def __init__(self, keys: Keys, *, asks: bool = False) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if asks:
            self.context.verify_mode = ssl.CERT_OPTIONAL
        self.take(keys)

    def take(self, keys: Keys) -> None:
        """Show this certificate from now on."""
        load(self.context, keys.server, keys.server_key)

    def trust(self, authority: str) -> None:
        """Also verify callers by this authority."""
        self.context.load_verify_locations(cadata=authority)


class NodeTrust:
    """The server's own certificate towards agents' file servers (`capture.retrieval.Trust`)."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def take(self, keys: Keys) -> None:
        self._keys = keys

    def towards(self, certificate: str) -> ssl.SSLContext:
        """In a cluster a node publishes its certificate; one that does not is believed by our own authority."""
        authority = self._keys.authority.decode()
        context = pinned(certificate) if certificate else ssl.create_default_context(cadata=authority)
        load(context, self._keys.client, self._keys.client_key)
        return context


def load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix="kodkod-") as folder:
        pair = Path(folder, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_bytes(certificate + key)
        context.load_cert_chain(pair)
