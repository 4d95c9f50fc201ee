"""What do the kinds of `projectcalico.org` have in common? Their groups, and windows of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kodkod.resources import Object
from kodkod.resources.findings import Cause, invalid
from kodkod.resources.kinds.kind import GroupVersion

GROUP = "projectcalico.org"
CRD_GROUP = GroupVersion("crd.projectcalico.org", "v1")
"""The same objects under the group of the product's custom resource definitions; scripts use both."""


def window_check(spec: Object) -> Iterator[Cause]:
    """A window that ends must end after it starts."""
    start, end = spec.get("startTime"), spec.get("endTime")
    if start and end and moment(end) <= moment(start):
        yield invalid("spec", spec, "endTime must be after startTime")


def moment(text: str) -> datetime:
    """RFC 3339 text, checked before by the schema."""
    return datetime.fromisoformat(text)


def exception_check(obj: Object) -> Iterator[Cause]:
    """A kind whose only cross-field rule is its window."""
    yield from window_check(obj.get("spec") or {})
