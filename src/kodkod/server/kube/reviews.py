"""May I? Reviews are answered from the same roles that decide every request (`kubectl auth can-i`, `whoami`)."""

from __future__ import annotations

from typing import Any

from kodkod.access import Authorizer, Caller
from kodkod.access import Request as AccessRequest
from kodkod.server.auth import Authenticator, BadToken

Json = dict[str, Any]


def asked(spec: Json) -> AccessRequest:
    """What an access review asks about."""
    if attributes := spec.get("nonResourceAttributes"):
        return AccessRequest(str(attributes.get("verb", "")), path=str(attributes.get("path", "")))
    attributes = spec.get("resourceAttributes") or {}
    names = ("verb", "group", "resource", "subresource", "namespace", "name")
    return AccessRequest(**{name: str(attributes.get(name) or "") for name in names})


async def access(authorizer: Authorizer, caller: Caller, review: Json) -> Json:
    """SelfSubjectAccessReview, and with another caller SubjectAccessReview."""
    refusal = await authorizer.refusal(caller, asked(review.get("spec") or {}))
    status: Json = {"allowed": refusal is None}
    if refusal:
        status["reason"] = refusal
    return {**review, "status": status}


def subject(review: Json) -> Caller:
    """Whom a SubjectAccessReview asks about."""
    spec = review.get("spec") or {}
    return Caller(str(spec.get("user") or ""), tuple(map(str, spec.get("groups") or ())), str(spec.get("uid") or ""))


async def rules(authorizer: Authorizer, caller: Caller, review: Json) -> Json:
    """SelfSubjectRulesReview: every rule that holds in a namespace."""
    grants = await authorizer.grants(caller, str((review.get("spec") or {}).get("namespace") or ""))
    resource_rules = [
        {
            "verbs": sorted(grant.verbs), "apiGroups": sorted(grant.groups), "resources": sorted(grant.resources),
            "resourceNames": sorted(grant.names),
        }
        for grant in grants
        if grant.resources
    ]  # fmt: skip
    path_rules = [
        {"verbs": sorted(grant.verbs), "nonResourceURLs": sorted(grant.paths)} for grant in grants if grant.paths
    ]
    return {
        **review,
        "status": {"resourceRules": resource_rules, "nonResourceRules": path_rules, "incomplete": False},
    }


def whoami(caller: Caller, review: Json) -> Json:
    return {**review, "status": {"userInfo": user_info(caller)}}


async def token(authenticator: Authenticator, review: Json) -> Json:
    """TokenReview."""
    try:
        caller = await authenticator.caller_of_token(str((review.get("spec") or {}).get("token") or ""))
    except BadToken:
        return {**review, "status": {"authenticated": False}}
    return {**review, "status": {"authenticated": True, "user": user_info(caller)}}


def user_info(caller: Caller) -> Json:
    return {"username": caller.name, "uid": caller.uid, "groups": list(caller.groups)}
