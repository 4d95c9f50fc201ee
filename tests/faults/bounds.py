"""Does the kernel hold the inspector to what IntrusionDetection allows? Little is allowed, much is asked; then we look.

Not at what the inspector says of itself, but at the accounts of its control groups: how often they were stopped, how
much of a core they had, which memory limit stands there. Version 1 or 2, whichever this machine has.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .host import CGROUPS, Failed, Host, wait_for
from .pods import pod_of, started

CPU, MEMORY = "50m", "300Mi"
CORES, BYTES = 0.05, 300 << 20
LOAD_S = 8
TOLERANCE = 1.25  # a period that began before the clock was read counts whole
WITHIN_S = 90.0
OBJECTS = (
    {
        "apiVersion": "operator.tigera.io/v1", "kind": "IntrusionDetection", "metadata": {"name": "tigera-secure"},
        "spec": {"componentResources": [{
            "componentName": "DeepPacketInspection",
            "resourceRequirements": {"limits": {"cpu": CPU, "memory": MEMORY}},
        }]},
    },
    {
        "apiVersion": "projectcalico.org/v3", "kind": "DeepPacketInspection",
        "metadata": {"name": "bounded", "namespace": "dev"}, "spec": {"selector": "all()"},
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Accounts:
    """What the kernel has on a process's group. used_s: seconds of a core. throttled: times it was stopped."""

    version: str
    used_s: float
    throttled: int
    limit_bytes: int


def accounts(pid: int) -> Accounts:
    """Raises Failed where the process is in no group of its own."""
    name = f"kodkod-inspector-{pid}"
    memory, cpu = CGROUPS / "memory" / name, CGROUPS / "cpu" / name
    if memory.is_dir() and cpu.is_dir():
        used_ns = sum(int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) for one in threads(cpu))
        limit = int((memory / "memory.limit_in_bytes").read_text())
        return Accounts("v1", used_ns / 1e9, number(cpu / "cpu.stat", "nr_throttled"), limit)
    for root in (CGROUPS, CGROUPS / "unified"):
        group = root / name
        if group.is_dir():
            used_us = number(group / "cpu.stat", "usage_usec")
            limit = int((group / "memory.max").read_text())
            return Accounts("v2", used_us / 1e6, number(group / "cpu.stat", "nr_throttled"), limit)
    raise Failed(f"the inspector {pid} is in no control group of its own")


def preferred(pid: int) -> None:
    """Let the group have what it may have: that its bound decides, and not who else wants this machine."""
    name = f"kodkod-inspector-{pid}"
    for file, weight in (("cpu/{}/cpu.shares", 200_000), ("{}/cpu.weight", 10_000), ("unified/{}/cpu.weight", 10_000)):
        path = CGROUPS / file.format(name)
        if path.exists():
            path.write_text(str(weight))


def threads(group: Path) -> list[str]:
    """The tasks of a group, as `PID/task/TID`."""
    pids = (group / "cgroup.procs").read_text().split()
    return [f"{pid}/task/{task.name}" for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]


def number(file: Path, key: str) -> int:
    words = dict(line.split() for line in file.read_text().splitlines())
    return int(words[key])


def perform(folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    host = Host(folder / "data", observed=1)
    account: dict[str, Any] = {"findings": []}
    try:
        host.up()
        host.kodkod("lab", "up")
        host.applied(*OBJECTS)
        wait_for(lambda: is_bounded(host), WITHIN_S, "the inspector runs within its new bounds")
        measured(host, account)
        shown(host, account)
    except Failed as failed:
        account["findings"].append(str(failed))
    account["findings"] += host.taken_down()
    return account


def is_bounded(host: Host) -> bool:
    return host.is_back("inspector") and host.report("inspector")["engine"].get("cpuMillis") == CORES * 1000


def measured(host: Host, account: dict[str, Any]) -> None:
    """Put load on inspected pods and read the accounts before and after."""
    pid = host.pid("inspector")
    if pid is None:
        raise Failed("no inspector")
    preferred(pid)
    server, client = pod_of(host, "dev", "centos"), pod_of(host, "dev", "netshoot")
    listening = started(host, server, "iperf3", "-s", "-p", "5201")
    time.sleep(1)
    began, before = time.monotonic(), accounts(pid)
    # Many small messages of no known protocol: each is judged.
    command = ["iperf3", "-c", server.address, "-t", str(LOAD_S), "-P", "8", "-l", "600", "-N", "-p", "5201"]
    started(host, client, *command).wait(LOAD_S * 5)
    after, took_s = accounts(pid), time.monotonic() - began
    listening.terminate()
    listening.wait(10)
    share = (after.used_s - before.used_s) / took_s
    account |= {
        "control group": after.version, "memory limit": after.limit_bytes,
        "throttled": [before.throttled, after.throttled], "cores used": round(share, 3), "took_s": round(took_s, 1),
    }  # fmt: skip
    print(json.dumps(account), file=sys.stderr)
    if after.limit_bytes != BYTES:
        account["findings"].append(f"the memory limit is {after.limit_bytes}, not {BYTES}")
    if after.throttled <= before.throttled:
        account["findings"].append("the group was never stopped: the load did not reach its bound")
    if share > CORES * TOLERANCE:
        account["findings"].append(f"{share:.2f} cores were used, {CORES} are allowed")


def shown(host: Host, account: dict[str, Any]) -> None:
    """The same where people look: `kodkod status`, and the object."""
    status = host.kodkod("status", check=False).stdout
    line = next((one for one in status.splitlines() if one.startswith("inspector")), "")
    account["kodkod status"] = line
    if f"within {CORES:g} cores and 300 MiB (control group {account['control group']})" not in line:
        account["findings"].append(f"kodkod status does not show the bounds: {line}")
    found = host.kubectl("get", "intrusiondetection", "tigera-secure", "-o", "json").stdout
    object_status = json.loads(found).get("status") or {}
    account["object"] = object_status
    said = " ".join(str(one.get("message")) for one in object_status.get("conditions") or [])
    if object_status.get("state") != "Ready" or f"{CORES:g} cores" not in said or "300 MiB" not in said:
        account["findings"].append(f"the object's status does not show the bounds: {object_status}")
