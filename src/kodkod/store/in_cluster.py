"""Where is the API of the cluster that this process runs in, and who is it there? Read from what the kubelet mounts.

A service account's token is replaced on disk long before it ends, so it is read again whenever its file has changed.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVER_TOKEN = Path("/var/run/secrets/kodkod/token")
"""A second token that only Kodkod's own server takes (audience `kodkod`): at the API server it is worth nothing."""


class NotInCluster(ValueError):
    """The operator's move: run it in a pod with a service account; the message names what is missing."""


class TokenFile:
    """A token that somebody else renews. Called for each request; the file is read when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] = (0, 0)
        self._token = ""

    def __call__(self) -> str:
        """The current token; the last one known while the file is away. Raises NotInCluster if it never was there."""
        try:
            status = self.path.stat()
            seen = (status.st_ino, status.st_mtime_ns)
            if seen != self._seen:
                self._token, self._seen = self.path.read_text().strip(), seen
        except OSError as error:
            if not self._token:
                raise NotInCluster(f"{self.path}: {error.strerror}") from error
        return self._token


@dataclass(frozen=True, slots=True)
class Account:
    """authority: PEM text of the certificates that the API server's is signed by. namespace: the pod's own."""

    server: str
    token: TokenFile
    authority: str
    namespace: str

    def ssl_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority)


def load(environment: Mapping[str, str] = os.environ, folder: Path = ACCOUNT) -> Account:
    """The service account of this pod. Raises NotInCluster."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise NotInCluster("KUBERNETES_SERVICE_HOST is not set: this process runs in no pod")
    reached = f"[{host}]" if ":" in host else host
    token = TokenFile(folder / "token")
    token()
    try:
        authority = (folder / "ca.crt").read_text()
        namespace = (folder / "namespace").read_text().strip()
    except OSError as error:
        raise NotInCluster(f"{error.filename}: {error.strerror}") from error
    return Account(f"https://{reached}:{port}", token, authority, namespace)
