"""Is it up? Asks the server itself, and then what agent and inspector have reported since they were started."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from kodkod.store import kubeconfig
from kodkod.store.kubeconfig import Connection, KubeconfigError

POLL_S = 0.2
REQUEST_S = 3.0
ROLES = ("agent", "inspector")


class NotReached(Exception):
    """The server does not answer, or not as it should."""


def wait_until_ready(folder: Path, within_s: float) -> list[str]:
    """Wait until the server answers and agent and inspector say that they are ready. Returns what is still missing."""
    deadline = time.monotonic() + within_s
    while True:
        missing = still_missing(folder)
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(POLL_S)


def still_missing(folder: Path) -> list[str]:
    """What is not there yet, a phrase each. A report counts when its process is the one that runs now."""
    try:
        connection = kubeconfig.load(folder / "kubeconfig")
        ask(connection, "/readyz")
        reports = ask(connection, "/apis/kodkod.dev/v1alpha1/nodereports")["items"]
    except (KubeconfigError, NotReached) as error:
        return [f"server ({error})"]
    ready = {
        report["spec"]["role"]
        for report in reports
        if (report.get("status") or {}).get("ready") and is_running(folder, report)
    }
    return [role for role in ROLES if role not in ready]


def is_running(folder: Path, report: dict[str, Any]) -> bool:
    try:
        pid = int((folder / "run" / f"{report['spec']['role']}.pid").read_text())
    except (OSError, ValueError):
        return False
    return bool(report["status"].get("pid") == pid)


def console_link(folder: Path) -> str | None:
    """A one-time link into the console as the administrator; None where the server cannot be asked."""
    try:
        connection = kubeconfig.load(folder / "kubeconfig")
        path: str = ask(connection, "/v1/session/link", method="POST")["path"]
    except (KubeconfigError, NotReached):
        return None
    return connection.server + path


def ask(connection: Connection, path: str, method: str = "GET") -> Any:
    """One request with the connection's token; JSON where the answer is. Raises NotReached."""
    request = urllib.request.Request(connection.server + path, method=method)
    request.add_header("Authorization", f"Bearer {connection.token}")
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_S, context=connection.ssl_context()) as answer:
            body = answer.read()
    except (OSError, urllib.error.URLError) as error:
        raise NotReached(str(getattr(error, "reason", error))) from error
    return json.loads(body) if body[:1] in (b"{", b"[") else body
