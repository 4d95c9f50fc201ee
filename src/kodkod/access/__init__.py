"""Who may do what? Callers, requests, and the RBAC objects that decide.

`Authorizer` is the seam: `RoleAuthorizer` evaluates Roles, ClusterRoles and their bindings as a cluster would, plus one
rule that RBAC cannot express: a node's identity writes only its own NodeReports (`noderestriction`). In a cluster the
server asks the cluster instead.
"""

from kodkod.access.authorizer import Authorizer, PolicySource, RoleAuthorizer
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
    "RoleAuthorizer",
    "lab_caller",
    "node_caller",
]
