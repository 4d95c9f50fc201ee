"""Which writes were answered? A thread that writes through the real kubectl and keeps each answer.

Objects are made one a turn; now and then one is changed and one is removed. A write is acknowledged when kubectl says
so with exit code 0; what was not answered may have happened or not, and is asked about by nobody.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from .host import Host

KIND = "globalnetworksets.projectcalico.org"
CHANGED_EVERY, REMOVED_EVERY = 3, 5
PAUSE_S = 0.8

Verb = Literal["create", "patch", "delete"]


@dataclass(frozen=True, slots=True)
class Write:
    """value: what a patch set. done_at: unix seconds."""

    verb: Verb
    name: str
    acknowledged: bool
    done_at: float
    value: int = 0
    said: str = ""


@dataclass(slots=True)
class Writer:
    host: Host
    writes: list[Write] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="writer")
        self._thread.start()

    def stop(self) -> list[Write]:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        return self.writes

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(PAUSE_S):
            number += 1
            self._write("create", f"ledger-{number}")
            if number % CHANGED_EVERY == 0:
                self._write("patch", f"ledger-{number}", number)
            if number % REMOVED_EVERY == 0:
                self._write("delete", f"ledger-{number - 1}")

    def _write(self, verb: Verb, name: str, value: int = 0) -> None:
        done = self.host.kubectl(*words(verb, name, value), feed=manifest(name) if verb == "create" else "")
        self.writes.append(Write(verb, name, done.returncode == 0, time.time(), value, done.stderr.strip()[-200:]))


def words(verb: Verb, name: str, value: int) -> list[str]:
    match verb:
        case "create":
            return ["create", "-f", "-", "--validate=false"]
        case "patch":
            return ["patch", KIND, name, "--type=merge", "-p", json.dumps({"metadata": {"labels": {"v": str(value)}}})]
        case "delete":
            return ["delete", KIND, name, "--wait=false"]


def manifest(name: str) -> str:
    return json.dumps(
        {
            "apiVersion": "projectcalico.org/v3",
            "kind": "GlobalNetworkSet",
            "metadata": {"name": name},
            "spec": {"nets": ["192.0.2.0/24"]},
        }
    )
