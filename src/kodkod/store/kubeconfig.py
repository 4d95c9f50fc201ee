"""Where is the API, and who am I to it? Reads a kubeconfig: server, trust and token of its current context."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class KubeconfigError(ValueError):
    """The file cannot be used; the message names the file and the part that is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Connection:
    """token: empty where none is given. authority: PEM text of the certificates to trust; empty means the system's."""

    server: str
    token: str
    authority: str

    def ssl_context(self) -> ssl.SSLContext:
        """A client context that trusts the cluster's own authority and nobody else, where one is named."""
        if not self.authority:
            return ssl.create_default_context()
        return ssl.create_default_context(cadata=self.authority)


def load(path: Path) -> Connection:
    """The connection of the current context. Raises KubeconfigError."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise KubeconfigError(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise KubeconfigError(f"{path}: not a kubeconfig")
    context = _entry(document, "contexts", document.get("current-context"), path).get("context", {})
    cluster = _entry(document, "clusters", context.get("cluster"), path).get("cluster", {})
    user = _entry(document, "users", context.get("user"), path).get("user", {})
    server = cluster.get("server")
    if not isinstance(server, str):
        raise KubeconfigError(f"{path}: cluster {context.get('cluster')!r} has no server")
    return Connection(server.rstrip("/"), _token(user, path), _authority(cluster, path))


def _entry(document: dict[str, Any], section: str, name: object, path: Path) -> dict[str, Any]:
    for entry in document.get(section) or []:
        if entry.get("name") == name:
            found: dict[str, Any] = entry
            return found
    raise KubeconfigError(f"{path}: no entry {name!r} in {section}")


def _token(user: dict[str, Any], path: Path) -> str:
    if token := user.get("token"):
        return str(token)
    if file := user.get("tokenFile"):
        return (path.parent / str(file)).read_text().strip()
    return ""


def _authority(cluster: dict[str, Any], path: Path) -> str:
    if data := cluster.get("certificate-authority-data"):
        return base64.b64decode(data).decode()
    if file := cluster.get("certificate-authority"):
        return (path.parent / str(file)).read_text()
    return ""
