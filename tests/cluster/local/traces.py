"""Has a cluster left anything on the machine? Noted while it is up, looked for once it is down.

What counts is its own: the namespaces its processes live in, its cgroups, mounts in its folder, links and firewall
rules of the machine that bear its names. What others on the machine do meanwhile does not.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

WAIT_S = 5.0  # a namespace ends a moment after its last process


@dataclass(frozen=True, slots=True)
class Traces:
    """What a running cluster is made of."""

    state: Path
    cgroups: tuple[Path, ...]
    namespaces: frozenset[str]


def note(state: Path) -> Traces:
    cgroups = tuple(map(Path, (state / "cgroups").read_text().split()))
    pids = next(group for group in cgroups if "pids" in group.parts)
    ours = {
        namespace
        for member in pids.rglob("cgroup.procs")
        for pid in member.read_text().split()
        for namespace in _namespaces(pid)
    }
    return Traces(state, cgroups, frozenset(ours - set(_namespaces("self"))))


def left(traces: Traces) -> list[str]:
    """A line for each trace; empty when nothing is left."""
    deadline = time.monotonic() + WAIT_S
    while (found := _look(traces)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _look(traces: Traces) -> list[str]:
    found = [f"cgroup {group}" for group in traces.cgroups if group.exists()]
    for process in Path("/proc").glob("[0-9]*"):
        if traces.namespaces & set(_namespaces(process.name)):
            found.append(f"process {process.name} in one of its namespaces")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # A namespace without processes lives on in a mount.
        if str(traces.state) in line or any(namespace in line for namespace in traces.namespaces):
            found.append(f"mount {line.split()[4]}")
    links = _said("ip", "-o", "link")
    found += [f"link {name}" for name in ("lan0", "cni0") if f": {name}:" in links]
    rules = _said("iptables-save") + _said("nft", "list", "ruleset")
    found += [f"firewall rules of {owner}" for owner in ("KUBE-", "CNI-") if owner in rules]
    return found


def _namespaces(pid: str) -> list[str]:
    try:
        return [str(path.readlink()) for path in Path(f"/proc/{pid}/ns").iterdir()]
    except OSError:  # it has ended
        return []


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
