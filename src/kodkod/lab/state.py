"""What of a lab stands on this host? One file, written before each thing is made, so that anyone can remove it later.

A process is known by its number and its start time: numbers are used again, the pair is not.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ProcessId:
    """started: clock ticks since boot, field 22 of `/proc/PID/stat`."""

    pid: int
    started: int

    def alive(self) -> bool:
        return start_time(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod as it runs now.

    container: the name of its only one. process: the `unshare` that holds its namespaces. restarts: of the workload,
    since the lab was brought up.
    """

    namespace: str
    name: str
    address: str
    interface: str
    container: str = ""
    process: ProcessId | None = None
    started_at: str = ""
    ready: bool = False
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """owner: the daemon. error: why the lab does not stand, in words for the operator. exec_allowed: `kubectl exec`."""

    owner: ProcessId | None = None
    network: str = ""
    links: tuple[str, ...] = ()
    table: str = ""
    user: int = 0
    pods: tuple[PodState, ...] = ()
    services: tuple[dict[str, Any], ...] = field(default=())
    node: str = ""
    ready: bool = False
    published: bool = False
    exec_allowed: bool = True
    error: str = ""
    hint: str = ""

    def pod(self, namespace: str, name: str) -> PodState | None:
        return next((pod for pod in self.pods if (pod.namespace, pod.name) == (namespace, name)), None)


def folder(data: Path) -> Path:
    return data / "lab"


def load(data: Path) -> State | None:
    """What the file says; None where there is no lab. It is replaced whole, so a damaged one is not of our making."""
    try:
        return _parse(json.loads((folder(data) / "state.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, KeyError, TypeError):
        return None


def save(data: Path, state: State) -> None:
    """Replace the file at once, so that no reader sees half of it."""
    target = folder(data) / "state.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(asdict(state), indent=1))
    fresh.replace(target)


def forget(data: Path) -> None:
    (folder(data) / "state.json").unlink(missing_ok=True)


def start_time(pid: int) -> int | None:
    """When a process started; None where it is gone or only a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is a name in brackets that may hold anything, brackets too.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] == "Z" else int(fields[19])


def this_process() -> ProcessId:
    return process_id(os.getpid())


def process_id(pid: int) -> ProcessId:
    return ProcessId(pid, start_time(pid) or 0)


def _parse(document: dict[str, Any]) -> State:
    process = _process(document.pop("owner"))
    pods = tuple(PodState(**{**pod, "process": _process(pod["process"])}) for pod in document.pop("pods"))
    links, services = tuple(document.pop("links")), tuple(document.pop("services"))
    return State(owner=process, pods=pods, links=links, services=services, **document)


def _process(document: dict[str, int] | None) -> ProcessId | None:
    return ProcessId(**document) if document else None
