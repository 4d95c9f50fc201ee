"""Who may speak to the embedded API, and with what proof? Certificates, tokens and kubeconfigs in the data folder.

Made once; a later start only adds what is missing and follows a change of address. Everything but the authority's
certificate is readable by its owner alone. The server knows tokens by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from kodkod.access import ADMIN, SERVER, Caller, lab_caller, node_caller
from kodkod.access.callers import VIEWER
from kodkod.server import certificates

LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are below the data folder."""

    data: Path

    @property
    def authority(self) -> Path:
        return self.data / "pki/ca.crt"

    @property
    def authority_key(self) -> Path:
        return self.data / "pki/ca.key"

    @property
    def server(self) -> Path:
        return self.data / "pki/server.crt"

    @property
    def server_key(self) -> Path:
        return self.data / "pki/server.key"

    @property
    def tokens(self) -> Path:
        return self.data / "pki/tokens.json"

    def kubeconfig(self, identity: str) -> Path:
        return self.data / "kubeconfig" if identity == "admin" else self.data / "run" / f"{identity}.kubeconfig"


def identities(node: str) -> dict[str, Caller]:
    """Who there is on one host, by the name of their kubeconfig."""
    return {
        "admin": ADMIN,
        "viewer": VIEWER,
        "server": SERVER,
        "agent": node_caller(node),
        "inspector": node_caller(node),
        "lab": lab_caller(),
    }


def ensure_credentials(data: Path, host: str, port: int, node: str, now: datetime) -> Paths:
    """Make what is missing. host: where the server listens; an unspecified address is reached by the loopback one."""
    paths = Paths(data)
    for folder in (data, data / "pki", data / "run"):
        folder.mkdir(parents=True, exist_ok=True)
    (data / "pki").chmod(0o700)
    ensure_certificates(paths, host, now)
    reached = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    server = f"https://[{reached}]:{port}" if ":" in reached else f"https://{reached}:{port}"
    known: dict[str, dict[str, str]] = json.loads(paths.tokens.read_text()) if paths.tokens.exists() else {}
    for identity, caller in identities(node).items():
        path = paths.kubeconfig(identity)
        entry = known.get(identity)
        token = read_token(path)
        if entry is None or token is None or digest(token) != entry["digest"]:
            token = secrets.token_urlsafe(TOKEN_BYTES)
        known[identity] = {"digest": digest(token), "caller": caller.name}
        write_private(path, kubeconfig(server, paths.authority.read_bytes(), identity, token).encode())
    write_private(paths.tokens, json.dumps(known, indent=1).encode())
    return paths


def ensure_certificates(paths: Paths, host: str, now: datetime) -> None:
    if not paths.authority.exists() or not paths.authority_key.exists():
        certificate, key = certificates.authority(now)
        write_private(paths.authority_key, key)
        paths.authority.write_bytes(certificate)
    hosts = [*LOCAL_HOSTS, *([host] if host not in ("", "0.0.0.0", "::") else [])]
    ensure_pair(paths, paths.server, "kodkod server", hosts, now, is_server=True)
    # The agent's file server shows this one, and the server shows the other to it: nobody else gets capture files.
    ensure_pair(paths, paths.data / "pki/node.crt", "kodkod node", LOCAL_HOSTS, now, is_server=True)
    ensure_pair(paths, paths.data / "pki/client.crt", "kodkod server as a client", (), now, is_server=False)


def ensure_pair(
    paths: Paths, certificate_path: Path, name: str, hosts: Sequence[str], now: datetime, *, is_server: bool
) -> None:
    """A certificate and its key beside each other, made anew where it does not cover the hosts."""
    if certificate_path.exists() and (not hosts or certificates.covers(certificate_path.read_bytes(), hosts)):
        return
    pair = (paths.authority.read_bytes(), paths.authority_key.read_bytes())
    certificate, key = certificates.signed(pair, name, now, hosts=hosts, is_server=is_server)
    write_private(certificate_path.with_suffix(".key"), key)
    certificate_path.write_bytes(certificate)


def read_token(path: Path) -> str | None:
    """The token of a kubeconfig of ours; none where there is no such file."""
    try:
        document = yaml.safe_load(path.read_text())
        return str(document["users"][0]["user"]["token"])
    except (OSError, yaml.YAMLError, KeyError, IndexError, TypeError):
        return None


def kubeconfig(server: str, authority: bytes, identity: str, token: str) -> str:
    """A kubeconfig for one identity; kubectl drops a token on http, so the server is always https."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "kodkod",
        "clusters": [
            {
                "name": "kodkod",
                "cluster": {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()},
            }
        ],
        "users": [{"name": identity, "user": {"token": token}}],
        "contexts": [{"name": "kodkod", "context": {"cluster": "kodkod", "user": identity, "namespace": "default"}}],
    }
    return yaml.safe_dump(document, sort_keys=False)


def load_tokens(paths: Paths, callers: Iterable[Caller]) -> dict[str, Caller]:
    """Callers by the digest of their token."""
    by_name = {caller.name: caller for caller in callers}
    known: dict[str, dict[str, str]] = json.loads(paths.tokens.read_text())
    return {entry["digest"]: by_name[entry["caller"]] for entry in known.values() if entry["caller"] in by_name}


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def write_private(path: Path, content: bytes) -> None:
    """Replace a file whole, readable by its owner only from its first byte on."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
