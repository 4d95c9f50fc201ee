"""What can go wrong with a request on resources? One tree, in the words of the Kubernetes API.

    StoreError
    ├── NotFound             no such object, or its namespace is missing
    ├── AlreadyExists        the name is taken
    ├── Conflict             somebody else wrote meanwhile, or owns the field: read again, then retry
    ├── Invalid              the object cannot be meant: the author's move; `causes` names each field
    ├── BadRequest           the request cannot be read
    ├── UnsupportedPatch     the kind does not take this type of patch
    ├── Gone                 the asked resource version is no longer held: list again
    ├── VersionTooLarge      the asked resource version is not reached yet: list again
    ├── Unauthorized         the caller is not known
    ├── Forbidden            the caller may not do this
    ├── TooLarge             the object is too big
    └── Unavailable          the server cannot be reached or is in trouble: retry later

`reason` is Kubernetes' word for it; HTTP codes are known only to the door.
"""

from __future__ import annotations

from collections.abc import Sequence

from kodkod.resources.findings import Cause


class StoreError(Exception):
    """Base of all. details: name, group, kind and causes, where they are known."""

    reason = "InternalError"

    def __init__(self, message: str, *, causes: Sequence[Cause] = (), kind: str = "", group: str = "", name: str = ""):
        super().__init__(message)
        self.message = message
        self.causes = tuple(causes)
        self.kind = kind
        self.group = group
        self.name = name


class NotFound(StoreError):
    reason = "NotFound"


class AlreadyExists(StoreError):
    reason = "AlreadyExists"


class Conflict(StoreError):
    reason = "Conflict"


class Invalid(StoreError):
    reason = "Invalid"


class BadRequest(StoreError):
    reason = "BadRequest"


class UnsupportedPatch(StoreError):
    reason = "UnsupportedMediaType"


class Gone(StoreError):
    reason = "Expired"


class VersionTooLarge(StoreError):
    reason = "Timeout"


class Unauthorized(StoreError):
    reason = "Unauthorized"


class Forbidden(StoreError):
    reason = "Forbidden"


class TooLarge(StoreError):
    reason = "RequestEntityTooLarge"


class Unavailable(StoreError):
    reason = "ServiceUnavailable"


BY_REASON: dict[str, type[StoreError]] = {
    error.reason: error
    for error in (
        NotFound, AlreadyExists, Conflict, Invalid, BadRequest, UnsupportedPatch, Gone, VersionTooLarge, Unauthorized,
        Forbidden, TooLarge, Unavailable,
    )
}  # fmt: skip
