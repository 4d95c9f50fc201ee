"""What may a node's identity not do, though RBAC allows it? Write what belongs to another node.

RBAC cannot say "only the report named after yourself". A cluster does this by admission (a ValidatingAdmissionPolicy on
the node name in the token); this is the same rule for the embedded API.
"""

from __future__ import annotations

from kodkod.access.callers import Caller
from kodkod.access.requests import Request
from kodkod.resources.kinds import NODE, NODE_REPORT

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def refusal(caller: Caller, request: Request) -> str | None:
    """Why the node may not do this; None if it may, or if the caller is no node."""
    if caller.node is None or request.verb not in WRITES:
        return None
    if (request.group, request.resource) == (NODE_REPORT.group, NODE_REPORT.plural):
        if request.verb == "create" and not request.name:
            return None  # the name is in the body: judged by `owns` once that is read
        return None if owns(caller, request.name) else f'node "{caller.node}" may write only its own NodeReports'
    if (request.group, request.resource) == (NODE.group, NODE.plural) and request.name not in ("", caller.node):
        return f'node "{caller.node}" may write only its own Node'
    return None


def owns(caller: Caller, report: str) -> bool:
    """Whether a report of this name (`{node}-{role}`) is the caller's to write."""
    node, dash, role = report.rpartition("-")
    return bool(dash) and node == caller.node and role in ("agent", "inspector")
