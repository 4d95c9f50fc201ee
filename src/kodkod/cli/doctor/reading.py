"""How is a cluster looked at? One GET at a time, by kubectl with the user's own kubeconfig, or as the pod we run in.

kubectl rather than our own client: it knows every way of signing in that a kubeconfig can name (client certificates,
plugins of cloud providers), and whoever has a cluster has it.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Protocol

from kodkod.resources import Object
from kodkod.store import in_cluster

ANSWER_S = 15.0
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class Unreachable(Exception):
    """The cluster does not answer, or there is nothing to ask it with."""


class Refused(Exception):
    """The answer is that we may not, or that the API server itself failed."""


class Reader(Protocol):
    def get(self, path: str) -> Object | None:
        """The object or list there; None where there is none. Raises Refused, Unreachable."""
        ...

    def now(self) -> datetime:
        """The API server's clock. Raises Refused, Unreachable."""
        ...


class Kubectl:
    """The cluster of a kubeconfig."""

    def __init__(self, kubeconfig: Path | None = None, context: str = "", program: str = "kubectl") -> None:
        self._command = [program, "--request-timeout=10s"]
        self._command += [f"--kubeconfig={kubeconfig}"] if kubeconfig else []
        self._command += [f"--context={context}"] if context else []

    def get(self, path: str) -> Object | None:
        return self._run(["get", "--raw", path])

    def now(self) -> datetime:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        made = self._run(["create", "--raw", WHO_AM_I, "-f", "-"], json.dumps(body))
        stamp = ((made or {}).get("metadata") or {}).get("creationTimestamp")
        if not stamp:
            raise Refused("the API server does not tell its time")
        return datetime.fromisoformat(stamp)

    def _run(self, arguments: list[str], text: str = "") -> Object | None:
        try:
            done = subprocess.run(
                [*self._command, *arguments], input=text, capture_output=True, text=True, timeout=ANSWER_S, check=False
            )
        except FileNotFoundError as error:
            raise Unreachable("there is no kubectl on PATH, by which a cluster is looked at") from error
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"no answer within {ANSWER_S:.0f} s") from error
        if done.returncode == 0:
            found: Object = json.loads(done.stdout)
            return found
        says = done.stderr.strip()
        if "(NotFound)" in says or "could not find the requested resource" in says:
            return None
        if says.startswith("Error from server"):
            raise Refused(says)
        raise Unreachable(says or f"kubectl ended with {done.returncode}")


class Pod:
    """The cluster that this pod runs in, as its service account."""

    def __init__(self, account: in_cluster.Account) -> None:
        self._account = account
        self._trust: ssl.SSLContext = account.ssl_context()

    def get(self, path: str) -> Object | None:
        body, _ = self._ask(path)
        return body

    def now(self) -> datetime:
        _, date = self._ask("/version")
        return parsedate_to_datetime(date).astimezone(UTC)

    def _ask(self, path: str) -> tuple[Object | None, str]:
        headers = {"Authorization": f"Bearer {self._account.token()}", "Accept": "application/json"}
        request = urllib.request.Request(self._account.server + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S, context=self._trust) as answer:
                body: Any = json.load(answer)
                return body, answer.headers.get("Date", "")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None, error.headers.get("Date", "")
            raise Refused(f"{path}: {error.code} {error.reason}") from error
        except OSError as error:
            raise Unreachable(f"{self._account.server}: {error}") from error


def as_this_pod() -> Pod:
    """Raises Unreachable outside of a cluster."""
    try:
        return Pod(in_cluster.load())
    except in_cluster.NotInCluster as error:
        raise Unreachable(str(error)) from error
