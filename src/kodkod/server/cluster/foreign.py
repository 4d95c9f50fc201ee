"""Which kinds of a cluster does the server speak of that are not ours? Free-form: only their names are known."""

from __future__ import annotations

from kodkod.resources.kinds import Kind


def _kind(group: str, kind: str, plural: str, *, namespaced: bool, description: str) -> Kind:
    return Kind(group, "v1", kind, plural, kind.lower(), namespaced, description)


TOKEN_REVIEW = _kind(
    "authentication.k8s.io", "TokenReview", "tokenreviews", namespaced=False, description="Whose token is this?"
)
ACCESS_REVIEW = _kind(
    "authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews", namespaced=False, description="May they?"
)
API_SERVICE = _kind(
    "apiregistration.k8s.io", "APIService", "apiservices", namespaced=False, description="Who serves a group."
)
DAEMON_SET = _kind("apps", "DaemonSet", "daemonsets", namespaced=True, description="A pod on every node.")
NETWORK_POLICY = _kind(
    "networking.k8s.io", "NetworkPolicy", "networkpolicies", namespaced=True, description="Who may talk to whom."
)
GLOBAL_NETWORK_POLICY = Kind(
    "projectcalico.org", "v3", "GlobalNetworkPolicy", "globalnetworkpolicies", "globalnetworkpolicy", False,
    "Who may talk to whom, in all namespaces.",
)  # fmt: skip
