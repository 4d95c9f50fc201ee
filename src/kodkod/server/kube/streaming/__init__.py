"""How does `kubectl exec` reach a process, over SPDY/3.1 (kubectl before 1.30) and over WebSocket (since)?

The two wires are told apart in the door and meet in `session.run`: a wire offers `Channels`, a backend offers a
`Process`, and the session moves bytes between them. `backend.ExecBackend` is the seam that the lab fills.
"""

from kodkod.server.kube.streaming.backend import (
    ContainerNotFound,
    ExecBackend,
    ExecRequest,
    ExecUnavailable,
    PodNotFound,
    Process,
)
from kodkod.server.kube.streaming.handshakes import RefusingProtocol
from kodkod.server.kube.streaming.routes import Gate, Refusal, exec_routes
from kodkod.server.kube.streaming.takeover import TakeoverProtocol

__all__ = [
    "ContainerNotFound",
    "ExecBackend",
    "ExecRequest",
    "ExecUnavailable",
    "Gate",
    "PodNotFound",
    "Process",
    "Refusal",
    "RefusingProtocol",
    "TakeoverProtocol",
    "exec_routes",
]
