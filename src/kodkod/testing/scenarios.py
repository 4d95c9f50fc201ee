"""Does the real kubectl do what users expect? Bash scenarios against a playground server.

A scenario passes when its script exits 0 under `set -e -o pipefail`; 77 means that it does not apply to this kubectl.
Each runs in an empty folder after a preamble, with $K = kubectl as administrator, $KV = as viewer, $KA = as a node's
agent, $KL = as the lab, which has rights on core kinds alone, $K1 = the administrator on another, newer kubectl,
$V = kubectl's minor version, $POD1_LOG = the log file of pod default/web-1 and $HERE = a folder with ptyrun.py, which
runs a command on a terminal of 33 rows and 101 columns.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

SCENARIO_TIMEOUT_S = 120
START_TIMEOUT_S = 60
NOT_APPLICABLE = 77

# What scenarios may leave behind, and the next one must not find.
SWEPT = ("packetcaptures", "deeppacketinspections", "globalalerts")

PTYRUN = """
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    script: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """said: the end of what the script wrote, for a failure."""

    result: Literal["passed", "failed", "skipped"]
    said: str = ""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """version: `1.32`. Found by `kubectl_at`."""

    path: str
    version: str


def kubectl_at(path: str) -> Kubectl:
    """The kubectl at a path. A dispatcher that picks a binary by the server's version reports its own version."""
    told = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, check=True, timeout=30)
    match = re.match(r"v(\d+\.\d+)", json.loads(told.stdout)["clientVersion"]["gitVersion"])
    if match is None:
        raise ValueError(f"{path} does not say its version")
    return Kubectl(path, match.group(1))


def machines_kubectl() -> Kubectl | None:
    """The kubectl on PATH, if there is one."""
    path = shutil.which("kubectl")
    return kubectl_at(path) if path else None


class Playground:
    """A running server for scenarios (`kodkod.testing.playground`). folder: everything it and the scenarios write."""

    def __init__(self, folder: Path, port: int, pid: int) -> None:
        self.folder = folder
        self._pid = pid
        self.data = folder / "data"
        self._port = port
        config = yaml.safe_load((self.data / "kubeconfig").read_text())
        self._token = config["users"][0]["user"]["token"]
        self._tls = ssl.create_default_context(cafile=str(self.data / "pki/ca.crt"))
        here = folder / "here"
        here.mkdir(exist_ok=True)
        (here / "ptyrun.py").write_text(PTYRUN)

    def run(self, kubectl: Kubectl, scenario: Scenario, preamble: str, newer: Kubectl | None = None) -> Outcome:
        """Run one scenario in an empty folder. newer: the kubectl behind $K1; the same one if not given."""
        self.sweep()
        work = self.folder / "work" / re.sub(r"[^a-z0-9]+", "-", scenario.name.lower())[:60]
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        done = subprocess.run(
            ["bash", "-c", preamble + scenario.script], cwd=work, env=self._environment(kubectl, newer or kubectl),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SCENARIO_TIMEOUT_S, check=False, text=True,
        )  # fmt: skip
        if done.returncode == 0:
            return Outcome("passed")
        return Outcome("skipped" if done.returncode == NOT_APPLICABLE else "failed", done.stdout[-2000:])

    def _environment(self, kubectl: Kubectl, newer: Kubectl) -> dict[str, str]:
        home = self.folder / f"home-{kubectl.version}"
        home.mkdir(exist_ok=True)
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)

        def as_identity(program: Kubectl, config: str) -> str:
            return f"{program.path} --kubeconfig={self.data / config}"

        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "K": as_identity(kubectl, "kubeconfig"),
            "KV": as_identity(kubectl, "run/viewer.kubeconfig"),
            "KA": as_identity(kubectl, "run/agent.kubeconfig"),
            "KL": as_identity(kubectl, "run/lab.kubeconfig"),
            "K1": as_identity(newer, "kubeconfig"),
            "V": kubectl.version,
            "HERE": str(self.folder / "here"),
            "POD1_LOG": str(self.data / "lab/logs/default_web-1.log"),
        }

    def sweep(self) -> None:
        """Take away what the last scenario left."""
        base = "/apis/projectcalico.org/v3"
        for plural in SWEPT:
            for item in json.loads(self._call("GET", f"{base}/{plural}"))["items"]:
                metadata = item["metadata"]
                within = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
                path = f"{base}{within}/{plural}/{metadata['name']}"
                if metadata.get("finalizers"):
                    self._call("PATCH", path, b'{"metadata": {"finalizers": null}}')
                with contextlib.suppress(urllib.error.HTTPError):  # it went with its owner or its last finalizer
                    self._call("DELETE", path)

    def resident_bytes(self) -> int:
        """Memory that the server holds now."""
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/merge-patch+json"}
        request = urllib.request.Request(f"https://127.0.0.1:{self._port}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, context=self._tls, timeout=30) as answer:
            content: bytes = answer.read()
            return content


@contextlib.contextmanager
def playground(folder: Path) -> Iterator[Playground]:
    """A server of its own on a free port; ends with the block."""
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kodkod.testing.playground", str(folder / "data"), str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        try:
            assert process.stdout is not None, "asked for above"
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"the server did not start: {(folder / 'server.log').read_text()[-3000:]}")
            yield Playground(folder, port, process.pid)
        finally:
            process.communicate(timeout=START_TIMEOUT_S)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
