"""What does a node's file server show, and whose clients does it believe?

On one host both are the pki folder's. In a cluster the node makes a key and a certificate at each start, which live in
this process alone, and publishes the certificate in its NodeReport, which only this node's agent can write; the server
believes exactly that one. Clients are believed by the authority in ConfigMap `kodkod-ca`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kodkod.agent.upstream import await_authority
from kodkod.clock import Clock
from kodkod.store import Resources

SERVER = "kodkod-server"
"""Common name of the server's client certificate in a cluster."""
VALID_FOR = timedelta(days=3650)
CLOCK_SKEW = timedelta(hours=1)


class Identity(Protocol):
    """host: address to listen on. client: the one name to believe; "" for any of the authority.

    certificate: PEM, where it has to be published.
    """

    host: str
    client: str
    certificate: str

    async def tls(self) -> ssl.SSLContext:
        """A server's context that asks every client for a certificate. May wait. Raises OSError."""
        ...


class PkiFolder:
    """`ca.crt`, `node.crt` and `node.key` of one host."""

    host = "127.0.0.1"
    client = ""
    certificate = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._folder / "ca.crt"))
        context.load_cert_chain(self._folder / "node.crt", self._folder / "node.key")
        context.verify_mode = ssl.CERT_REQUIRED
        return context


class SelfMade:
    """A node's own, of this process. host: the node's address."""

    client = SERVER

    def __init__(self, node: str, host: str, resources: Resources, namespace: str, clock: Clock) -> None:
        self.host = host
        self.certificate = ""
        self._node = node
        self._resources = resources
        self._namespace = namespace
        self._clock = clock

    async def tls(self) -> ssl.SSLContext:
        trusted = await await_authority(self._resources, self._namespace)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=trusted)
        certificate, key = await asyncio.to_thread(made, self._node, self.host, self._clock.now())
        load(context, certificate, key)
        context.verify_mode = ssl.CERT_REQUIRED
        self.certificate = certificate.decode()
        return context


def made(node: str, host: str, now: datetime) -> tuple[bytes, bytes]:
    """A certificate that vouches for itself alone, and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node[:64])])  # the most that X.520 allows
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), secret


def load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python loads a chain from files only; this one is in memory, so the key never touches a disk."""
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, certificate + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
