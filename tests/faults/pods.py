"""How does a fault run get a program into a pod of the lab? From the host, so that no server stands between."""

from __future__ import annotations

import subprocess
from typing import IO

from kodkod.lab import node
from kodkod.lab.state import PodState

from .host import Failed, Host


def pod_of(host: Host, namespace: str, start: str) -> PodState:
    """The first pod of a namespace whose name starts so."""
    for pod in host.lab().pods:
        if pod.namespace == namespace and pod.name.startswith(start):
            return pod
    raise Failed(f"no pod {namespace}/{start}")


def inside(host: Host, pod: PodState, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a pod as its user, to its end. Raises Failed."""
    done = subprocess.run(
        entered(host, pod, *command), capture_output=True, text=True, check=False, timeout=120,
        env=node.environment(pod.name),
    )  # fmt: skip
    if done.returncode:
        raise Failed(
            f"{pod.name}: {' '.join(command)}: exit {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
        )
    return done


def started(host: Host, pod: PodState, *command: str, out: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    """Start a command in a pod."""
    return subprocess.Popen(
        entered(host, pod, *command), stdin=subprocess.DEVNULL, stdout=out or subprocess.DEVNULL,
        stderr=subprocess.STDOUT, env=node.environment(pod.name),
    )  # fmt: skip


def entered(host: Host, pod: PodState, *command: str) -> list[str]:
    assert pod.process is not None, "the lab is up"
    return node.enter(pod.process, host.lab().user, command)
