"""What is a host for a fault to happen on? Namespaces of its own, with the whole product in them.

The program that makes the faults runs as a child of the first process of new network, mount and PID namespaces: what
it finds at the end is all that was left behind, and whatever becomes of it, the kernel ends everything it started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kodkod.cli.readiness import NotReached, ask
from kodkod.lab import state
from kodkod.store import kubeconfig

ROOT = Path(__file__).resolve().parents[2]
NODE = "faults"
ROLES = ("server", "agent", "inspector")
INSIDE = "KODKOD_FAULTS_INSIDE"
POLL_S = 0.1
SETTLE_S = 20.0
CGROUPS = Path("/sys/fs/cgroup")

# The shell is process 1: it reaps what others leave, and waits for nothing but its own child.
FIRST = 'ip link set lo up && mkdir -p /run/netns && mount -t tmpfs none /run/netns && "$@"; code=$?; exit $code'


def command_inside(module: str, arguments: Sequence[str]) -> list[str]:
    """The command line that runs a module of ours on a host of its own. Needs the rights of root."""
    return [
        "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", "--propagation",
        "private", "sh", "-c", FIRST, "sh", "env", f"{INSIDE}=1", sys.executable, "-m", module, *arguments,
    ]  # fmt: skip


class Failed(Exception):
    """Something that has to work did not."""


@dataclass(slots=True)
class Host:
    """The product on this host.

    port: of its server. observed: how many captures, and how many inspections, are to be at work.
    """

    data: Path
    port: int = 9443
    observed: int = 0
    names: set[int] = field(default_factory=set)
    """Every number that an inspector of ours had: its control group is named after it."""
    mounted: list[str] = field(default_factory=lambda: mounts())
    """Namespaces of others that were mounted when this host began: it inherited them."""

    def kodkod(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of ours on this data folder. Raises Failed."""
        command = [sys.executable, "-m", "kodkod.cli.app", *words, "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
        if check and done.returncode != 0:
            raise Failed(f"kodkod {' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def kubectl(self, *words: str, feed: str = "", timeout_s: float = 30) -> subprocess.CompletedProcess[str]:
        """Run the machine's kubectl as the administrator."""
        command = ["kubectl", f"--kubeconfig={self.data / 'kubeconfig'}", *words]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.data.parent)}
        return subprocess.run(
            command, input=feed, capture_output=True, text=True, check=False, timeout=timeout_s, env=environment
        )

    def up(self) -> None:
        self.kodkod("up", "--listen", f"127.0.0.1:{self.port}", "--node", NODE, "--detach")

    def ask(self, path: str) -> Any:
        """One GET as the administrator. Raises NotReached."""
        return ask(kubeconfig.load(self.data / "kubeconfig"), path)

    def pid(self, role: str) -> int | None:
        """The process of a role that runs now; None while it is being started again."""
        try:
            pid = int((self.data / "run" / f"{role}.pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        if role.encode() not in words or str(self.data).encode() not in words:
            return None
        if role == "inspector":
            self.names.add(pid)
        return pid

    def report(self, role: str) -> dict[str, Any]:
        """What a role reported last; {} where there is none or nobody to ask."""
        try:
            found = self.ask(f"/apis/kodkod.dev/v1alpha1/nodereports/{NODE}-{role}")
        except NotReached:
            return {}
        return dict(found.get("status") or {})

    def is_back(self, role: str, *, but: int | None = None) -> bool:
        """Whether a role does its work: not only alive, but seen to go on where it left.

        but: the number of the process that was killed.
        """
        pid = self.pid(role)
        if pid is None or pid == but:
            return False
        if role == "server":
            return self._answers()
        report = self.report(role)
        if report.get("pid") != pid or not report.get("ready"):
            return False
        captures, inspections = report.get("captures") or [], report.get("inspections") or []
        if role == "agent":
            at_work = [line for line in captures if line["state"] in ("Capturing", "WaitingForTraffic")]
        else:
            at_work = [line for line in inspections if line["success"] and line["attached"] == line["selected"]]
        return len(at_work) == self.observed

    def _answers(self) -> bool:
        try:
            self.ask("/readyz")
        except NotReached:
            return False
        return True

    def applied(self, *objects: dict[str, Any]) -> None:
        """Apply objects with the real kubectl. Raises Failed."""
        feed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self._must("apply", "-f", "-", feed=feed)

    def configured(self, **spec: Any) -> None:
        """Change the FelixConfiguration `default`. Raises Failed."""
        self._must("patch", "felixconfiguration", "default", "--type=merge", "-p", json.dumps({"spec": spec}))

    def _must(self, *words: str, feed: str = "") -> None:
        done = self.kubectl(*words, feed=feed)
        if done.returncode:
            raise Failed(f"kubectl {' '.join(words)}: {done.stderr}")

    def taken_down(self) -> Iterator[str]:
        """Take the lab and the rest down; a finding for whatever refuses or stays."""
        for end in (("lab", "down"), ("down",)):
            done = self.kodkod(*end, check=False)
            if done.returncode:
                yield f"kodkod {' '.join(end)}: exit {done.returncode}: {done.stderr}"
        for sort, names in settled(self).items():
            yield f"left behind: {sort}: {'; '.join(names)}"

    def lab(self) -> state.State:
        """The lab as it stands. Raises Failed where there is none."""
        known = state.load(self.data)
        if known is None:
            raise Failed("no lab")
        return known


def wait_for(holds: Callable[[], bool], within_s: float, what: str) -> float:
    """Seconds until it held. Raises Failed when time is up."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            raise Failed(f"{what}: not after {within_s:.0f} s")
        time.sleep(POLL_S)
    return time.monotonic() - began


def kill(pid: int) -> bool:
    """SIGKILL by number; False where it was gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def remains(host: Host) -> dict[str, list[str]]:
    """What is left on this host that was not there at the start, by sort; {} when all is as it was."""
    found = {
        "processes": processes(),
        "interfaces": [line.split()[0] for line in said("ip", "-br", "link") if not line.startswith("lo ")],
        "firewall": said("nft", "list", "tables"),
        "sockets": said("ss", "-Hlntup"),
        "namespaces": [*said("ip", "netns", "list"), *(one for one in mounts() if one not in host.mounted)],
        "control groups": control_groups(host.names),
    }
    return {sort: left for sort, left in found.items() if left}


def settled(host: Host) -> Mapping[str, list[str]]:
    """The remains once what is ending has ended."""
    deadline = time.monotonic() + SETTLE_S
    while (left := remains(host)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return left


def processes() -> list[str]:
    """Processes of this PID namespace but its first one, ourselves, and zombies."""
    own = {1, os.getpid(), os.getppid()}
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) in own:
            continue
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if line:
            found.append(f"{folder.name} {line}")
    return found


def mounts() -> list[str]:
    """Namespaces of others that are kept alive by a mount."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if line.split()[2] == "nsfs"]


def control_groups(pids: set[int]) -> list[str]:
    names = {f"kodkod-inspector-{pid}" for pid in pids}
    return [str(path) for path in CGROUPS.glob("**/kodkod-inspector-*") if path.name in names]


def said(*command: str) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def log_ends(host: Host, lines: int = 15) -> str:
    """The last words of every process, for a failure."""
    return json.dumps(
        {path.name: path.read_text(errors="replace").splitlines()[-lines:] for path in host.data.glob("*/*.log")},
        indent=1,
    )
