"""What is on record? Every write through the API, and every read of packets, as audit.k8s.io/v1 Events.

One request is one record at stage ResponseComplete; writes carry the objects (level RequestResponse).
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from starlette.requests import HTTPConnection

from kodkod.access import Caller
from kodkod.clock import rfc3339_micro

Json = dict[str, Any]

BODY_LEVEL, META_LEVEL = "RequestResponse", "Metadata"


def record(
    connection: HTTPConnection,
    caller: Caller,
    *,
    verb: str,
    object_ref: Json,
    code: int,
    received: datetime,
    completed: datetime,
    request_object: object = None,
    response_object: object = None,
    reason: str = "",
    message: str = "",
) -> Json:
    """One audit record. object_ref: resource, namespace, name, apiGroup, apiVersion, subresource, as far as known."""
    has_body = request_object is not None or response_object is not None
    status: Json = {"metadata": {}, "code": code, "status": "Success" if code < 400 else "Failure"}
    if reason:
        status["reason"] = reason
    if message:
        status["message"] = message
    found: Json = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": BODY_LEVEL if has_body else META_LEVEL,
        "auditID": str(uuid.uuid4()),
        "stage": "ResponseComplete",
        "requestURI": connection.url.path + (f"?{connection.url.query}" if connection.url.query else ""),
        "verb": verb,
        "user": {"username": caller.name, "uid": caller.uid, "groups": list(caller.groups)},
        "sourceIPs": [connection.client.host] if connection.client else [],
        "userAgent": connection.headers.get("user-agent", ""),
        "objectRef": {key: value for key, value in object_ref.items() if value},
        "responseStatus": status,
        "requestReceivedTimestamp": rfc3339_micro(received),
        "stageTimestamp": rfc3339_micro(completed),
        "annotations": {"authorization.k8s.io/decision": "forbid" if code in (401, 403) else "allow"},
    }
    if request_object is not None:
        found["requestObject"] = request_object
    if response_object is not None:
        found["responseObject"] = response_object
    return found
