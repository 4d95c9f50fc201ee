"""How does a process of a node look as a pod? On one host, agent and inspector appear as in a cluster.

Pure: a NodeReport and the time in, a complete core/v1 Pod out. It shows what is observed: Running while the process is
heard, Ready as the process says of itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from kodkod.clock import rfc3339
from kodkod.resources import Object

STALE = timedelta(seconds=30)
"""Three reports that did not come: the process is not heard any more."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What a cluster would run it as: a DaemonSet of this name, one pod a node."""

    namespace: str
    name: str
    image: str

    @property
    def labels(self) -> dict[str, str]:
        return {"k8s-app": self.name}

    def pod_name(self, node: str) -> str:
        """`{name}-xxxxx`: the same for a node every time."""
        return f"{self.name}-{hashlib.sha256(node.encode()).hexdigest()[:5]}"


AGENT = Workload("kodkod-system", "kodkod-agent", "kodkod/agent")
INSPECTOR = Workload("tigera-dpi", "tigera-dpi", "kodkod/inspector")


def is_ready(obj: Object | None) -> bool:
    """Whether a pod says so of itself."""
    conditions = ((obj or {}).get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def pod(workload: Workload, report: Object, now: datetime, *, is_settled: bool = True) -> Object:
    """The pod of the process that wrote a report. is_settled: False holds its readiness back."""
    node, status = report["spec"]["node"], report.get("status") or {}
    seen = status.get("observedAt")
    is_heard = seen is not None and now - datetime.fromisoformat(seen) < STALE
    ready = bool(status.get("ready")) and is_heard and is_settled
    started = status.get("startedAt") or rfc3339(now)
    truth = "True" if ready else "False"
    container = {"name": workload.name, "image": f"{workload.image}:{status.get('version', '')}"}
    state = {"running": {"startedAt": started}} if is_heard else {"waiting": {"reason": "NotReporting"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": workload.pod_name(node), "namespace": workload.namespace, "generateName": f"{workload.name}-",
            "labels": workload.labels,
        },
        "spec": {
            "nodeName": node, "hostNetwork": True, "securityContext": {}, "serviceAccountName": workload.name,
            "restartPolicy": "Always", "containers": [{**container, "resources": {}}],
        },
        "status": {
            "phase": "Running" if is_heard else "Pending",
            "startTime": started,
            "conditions": [
                {"type": name, "status": truth if name in ("Ready", "ContainersReady") else "True"}
                for name in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    **container, "imageID": "", "ready": ready, "started": is_heard, "restartCount": 0,
                    "state": state, "lastState": {},
                }
            ],
        },
    }  # fmt: skip
