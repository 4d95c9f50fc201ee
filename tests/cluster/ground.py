"""What may a test do with a cluster? Ask its API, wait for facts, run things in pods; on a local one also enter nodes.

Commands are children of pytest, which stands in the cluster's network (`local/run` put it there) or reaches it anyway.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

LOCAL = Path(__file__).parent / "local"
PAUSE_S = 0.2
# Bounds for a machine that is busy with other work too; what is waited for is a fact, so they cost nothing elsewhere.
COMMAND_S = 120.0
POD_S = 180.0

T = TypeVar("T")
Object = dict[str, Any]


class CommandFailed(Exception):
    """A command ended with another code than 0; the text has the command, the code and what it said."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        super().__init__(f"{' '.join(done.args)}: {done.returncode}\n{done.stdout}{done.stderr}".rstrip())


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that tests may change. `state` is the folder of a local one; None for any other."""

    kubeconfig: Path
    state: Path | None

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = COMMAND_S) -> str:
        """What kubectl prints, as the cluster's admin. CommandFailed when it is refused."""
        done = self.try_kubectl(*arguments, stdin=stdin, timeout_s=timeout_s)
        if done.returncode != 0:
            raise CommandFailed(done)
        return done.stdout

    def try_kubectl(
        self, *arguments: str, stdin: str | None = None, timeout_s: float = COMMAND_S
    ) -> subprocess.CompletedProcess[str]:
        """For commands that may fail, or have to: code, stdout and stderr."""
        command = ("kubectl", "--kubeconfig", str(self.kubeconfig), *arguments)
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False)

    def apply(self, manifest: str | Path, *, namespace: str | None = None) -> str:
        """kubectl apply of a text, a file or a folder."""
        where = ["-n", namespace] if namespace else []
        if isinstance(manifest, Path):
            return self.kubectl(*where, "apply", "-f", str(manifest))
        return self.kubectl(*where, "apply", "-f", "-", stdin=manifest)

    def get(self, kind: str, name: str, *, namespace: str | None = None) -> Object:
        where = ["-n", namespace] if namespace else []
        found: Object = json.loads(self.kubectl(*where, "get", kind, name, "-o", "json"))
        return found

    def items(self, kind: str, *, namespace: str | None = None, selector: str = "") -> list[Object]:
        where = ["-n", namespace] if namespace else ["-A"]
        found: list[Object] = json.loads(self.kubectl("get", kind, *where, "-l", selector, "-o", "json"))["items"]
        return found

    def wait_for(self, what: str, ask: Callable[[], T], *, within_s: float = 60) -> T:
        """The first true answer of `ask`. Commands that fail meanwhile count as no; the last such is in the error."""
        deadline = time.monotonic() + within_s
        while True:
            answer: object
            try:
                if answer := ask():
                    return answer
            except (CommandFailed, subprocess.TimeoutExpired, KeyError, IndexError) as error:
                answer = error
            assert time.monotonic() < deadline, f"after {within_s:.0f} s not yet: {what}; last answer: {answer!r}"
            time.sleep(PAUSE_S)

    def wait_rolled_out(self, workload: str, *, namespace: str, within_s: float = POD_S) -> None:
        """Wait until a Deployment, DaemonSet or StatefulSet (`kind/name`) runs as it should."""
        timeout = f"--timeout={within_s:.0f}s"
        self.kubectl("-n", namespace, "rollout", "status", workload, timeout, timeout_s=within_s + 10)

    def wait_ready(self, *pods: str, namespace: str, within_s: float = POD_S) -> None:
        """Wait until these pods are Ready."""
        names = [f"pod/{pod}" for pod in pods]
        condition = ("--for=condition=Ready", f"--timeout={within_s:.0f}s")
        self.kubectl("-n", namespace, "wait", *condition, *names, timeout_s=within_s + 10)

    def exec(
        self, namespace: str, pod: str, *command: str, container: str | None = None, timeout_s: float = COMMAND_S
    ) -> str:
        """What a command in a pod prints; `sh -c` for a single text with spaces."""
        words: Sequence[str] = ("sh", "-c", command[0]) if len(command) == 1 and " " in command[0] else command
        where = ["-c", container] if container else []
        return self.kubectl("-n", namespace, "exec", pod, *where, "--", *words, timeout_s=timeout_s)

    def logs(self, namespace: str, pod: str, *options: str) -> str:
        return self.kubectl("-n", namespace, "logs", pod, *options)

    def run_pod(self, manifest: Object, *, within_s: float = POD_S) -> str:
        """Create a pod, wait until it ended, and return its log; AssertionError with the log when it failed."""
        name, namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        self.kubectl("create", "-f", "-", stdin=json.dumps(manifest))

        def ended() -> str:
            phase: str = self.get("pod", name, namespace=namespace)["status"]["phase"]
            return phase if phase in {"Succeeded", "Failed"} else ""

        phase = self.wait_for(f"pod {name} ends", ended, within_s=within_s)
        log = self.logs(namespace, name)
        assert phase == "Succeeded", f"pod {name} failed:\n{log}"
        return log

    def token(self, namespace: str, account: str, *, audience: str | None = None) -> str:
        """A new token of a ServiceAccount, good for ten minutes."""
        wanted = [f"--audience={audience}"] if audience else []
        return self.kubectl("-n", namespace, "create", "token", account, "--duration=10m", *wanted).strip()

    def nodes(self) -> list[str]:
        return sorted(
            node["metadata"]["name"] for node in json.loads(self.kubectl("get", "nodes", "-o", "json"))["items"]
        )

    def helm(self, *arguments: str, timeout_s: float = 300) -> str:
        """What helm prints. CommandFailed when it fails."""
        command = ("helm", "--kubeconfig", str(self.kubeconfig), *arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise CommandFailed(done)
        return done.stdout

    # What only a local cluster can do: fixture `local` skips tests elsewhere.

    def enter(self, node: str, *command: str, timeout_s: float = COMMAND_S) -> str:
        """What a command prints in all namespaces of a node (or of `cp`, the control plane), as root there."""
        return self._local("enter", node, *command, timeout_s=timeout_s)

    def kill(self, name: str) -> None:
        """SIGKILL to a component (`n1-kubelet`, `cp-apiserver`, a node); it is started again after half a second."""
        self._local("fault", "kill", name)

    def hold(self, name: str) -> None:
        """SIGKILL to a component, which stays down until `release`."""
        self._local("fault", "hold", name)

    def release(self, name: str) -> None:
        self._local("fault", "release", name)

    def disk(self, node: str) -> Path:
        """What the node wrote, seen from the machine: `disk("n1") / "var/log/pods"`."""
        assert self.state is not None
        return self.state / node / "disk"

    def _local(self, script: str, *arguments: str, timeout_s: float = COMMAND_S) -> str:
        assert self.state is not None, "only a local cluster can be entered and broken"
        command = [str(LOCAL / script), str(self.state), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise CommandFailed(done)
        return done.stdout


def from_environment() -> Cluster | None:
    """The cluster that KODKOD_TEST_KUBECONFIG names, local if KODKOD_CLUSTER_STATE is its folder."""
    kubeconfig = os.environ.get("KODKOD_TEST_KUBECONFIG")
    if not kubeconfig:
        return None
    state = os.environ.get("KODKOD_CLUSTER_STATE")
    return Cluster(Path(kubeconfig), Path(state) if state else None)
