"""Where is the API, and who am I to it? Reads a kubeconfig: server, trust and identity of its current context.

Identities: a token, a token file, a client certificate, or a program that prints a token (`exec`, as cloud providers'
clusters use it).
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

EXEC_S = 60.0


class KubeconfigError(ValueError):
    """The file cannot be used; the message names the file and the part that is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Connection:
    """token: empty where none is given. authority: PEM text of the certificates to trust; empty means the system's.

    certificate: a client certificate with its key, PEM; empty where none is given.
    """

    server: str
    token: str
    authority: str
    certificate: str = field(default="", repr=False)

    def ssl_context(self) -> ssl.SSLContext:
        """A client context that trusts the cluster's own authority and nobody else, where one is named."""
        context = ssl.create_default_context(cadata=self.authority or None)
        if self.certificate:
            # Python loads a chain from files only; this one is in memory, so a key is not copied to a disk.
            descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)
            try:
                os.write(descriptor, self.certificate.encode())
                context.load_cert_chain(f"/proc/self/fd/{descriptor}")
            finally:
                os.close(descriptor)
        return context


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
    certificate = _part(user, "client-certificate", path) and "\n".join(
        (_part(user, "client-certificate", path), _part(user, "client-key", path))
    )
    authority = _part(cluster, "certificate-authority", path)
    return Connection(server.rstrip("/"), _token(user, path), authority, certificate)


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
    if asked := user.get("exec"):
        return _told(asked, path)
    return ""


def _told(asked: dict[str, Any], path: Path) -> str:
    """The token that a program prints as an ExecCredential (client.authentication.k8s.io)."""
    version = asked.get("apiVersion", "client.authentication.k8s.io/v1")
    question = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    given = {str(entry["name"]): str(entry["value"]) for entry in asked.get("env") or ()}
    command = [str(asked.get("command") or ""), *map(str, asked.get("args") or ())]
    try:
        done = subprocess.run(
            command, env={**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(question)}, check=True,
            capture_output=True, timeout=EXEC_S,
        )  # fmt: skip
        return str(json.loads(done.stdout)["status"]["token"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise KubeconfigError(f"{path}: {command[0]!r} gives no token: {error}") from error


def _part(entry: dict[str, Any], name: str, path: Path) -> str:
    """A PEM that stands in the file itself or in another one. Raises KubeconfigError."""
    try:
        if data := entry.get(f"{name}-data"):
            return base64.b64decode(data).decode()
        if file := entry.get(name):
            return (path.parent / str(file)).read_text()
    except (OSError, ValueError) as error:
        raise KubeconfigError(f"{path}: {name}: {error}") from error
    return ""
