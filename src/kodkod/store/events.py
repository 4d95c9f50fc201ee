"""How does a controller tell users what it did to an object? With a core Event that `kubectl describe` shows.

The same event again raises a count on the one that exists instead of making another, so that a loop that fails every
second does not fill the store.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kodkod.clock import rfc3339
from kodkod.resources import Object
from kodkod.resources.kinds import EVENT
from kodkod.store.errors import AlreadyExists, NotFound, StoreError
from kodkod.store.protocol import Resources

log = logging.getLogger(__name__)

MESSAGE_MAX = 1024


@dataclass(frozen=True, slots=True)
class News:
    """reason: one CamelCase word. message: equal for equal news, so that the repeated one is counted, not listed."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


async def record(resources: Resources, obj: Object, news: News, *, now: datetime, component: str = "kodkod") -> None:
    """Post an Event about an object; its message is cut at 1,024 characters.

    Never raises StoreError: an event that cannot be posted is logged.
    """
    event = _event(obj, news.reason, news.message[:MESSAGE_MAX], news.type, rfc3339(now), component)
    namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
    try:
        try:
            await resources.create(EVENT, event, namespace)
        except AlreadyExists:
            known = await resources.get(EVENT, name, namespace)
            again = {"count": int(known.get("count") or 1) + 1, "lastTimestamp": event["lastTimestamp"]}
            await resources.patch(EVENT, name, again, namespace)
    except NotFound:
        log.debug("event not posted", extra={"fields": {"namespace": namespace, "reason": news.reason}})
    except StoreError as error:
        log.warning("event not posted", extra={"fields": {"reason": news.reason, "error": str(error)}})


def _event(obj: Object, reason: str, message: str, type: str, at: str, component: str) -> Object:
    metadata = obj["metadata"]
    involved = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "name": metadata["name"],
        "namespace": metadata.get("namespace"),
        "uid": metadata.get("uid"),
    }
    identity = "\0".join([str(metadata.get("uid")), reason, message, type, component])
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name'][:200]}.{digest}",
            "namespace": metadata.get("namespace") or "default",
        },
        "involvedObject": {key: value for key, value in involved.items() if value},
        "reason": reason,
        "message": message,
        "type": type,
        "count": 1,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "source": {"component": component},
        "reportingComponent": component,
    }
