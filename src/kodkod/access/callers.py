"""Who is asking?"""

from __future__ import annotations

from dataclasses import dataclass

GROUP_AUTHENTICATED = "system:authenticated"
GROUP_UNAUTHENTICATED = "system:unauthenticated"
GROUP_NODES = "system:nodes"
GROUP_ADMINS = "system:kodkod:admins"
GROUP_VIEWERS = "system:kodkod:viewers"
NODE_PREFIX = "system:node:"


@dataclass(frozen=True, slots=True)
class Caller:
    """name and groups: as RBAC subjects name them. node: the node whose agent this is, else None.

    extra: what else a cluster knows of them, handed on when it is asked for their rights.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    node: str | None = None
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


ADMIN = Caller("system:admin", (GROUP_ADMINS, GROUP_AUTHENTICATED), uid="system:admin")
VIEWER = Caller("system:viewer", (GROUP_VIEWERS, GROUP_AUTHENTICATED), uid="system:viewer")
SERVER = Caller("system:kodkod:server", (GROUP_AUTHENTICATED,), uid="system:kodkod:server")
ANONYMOUS = Caller("system:anonymous", (GROUP_UNAUTHENTICATED,))


def lab_caller() -> Caller:
    """The practice lab: writes core objects."""
    return Caller("system:kodkod:lab", (GROUP_AUTHENTICATED,), uid="system:kodkod:lab")


def node_caller(node: str) -> Caller:
    """The agent and the inspector of a node."""
    return Caller(f"{NODE_PREFIX}{node}", (GROUP_NODES, GROUP_AUTHENTICATED), uid=f"{NODE_PREFIX}{node}", node=node)
