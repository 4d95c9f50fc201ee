"""Who may do what? Callers, requests, and the RBAC objects that decide.

`Authorizer` evaluates Roles, ClusterRoles and their bindings as a cluster would, plus one rule that RBAC cannot
express: a node's identity writes only its own NodeReports (`noderestriction`).
"""

from kodkod.access.authorizer import Authorizer, PolicySource
from kodkod.access.callers import ADMIN, ANONYMOUS, SERVER, Caller, lab_caller, node_caller
from kodkod.access.requests import Request

__all__ = [
    "ADMIN",
    "ANONYMOUS",
    "SERVER",
    "Authorizer",
    "Caller",
    "PolicySource",
    "Request",
    "lab_caller",
    "node_caller",
]
