"""AlertException: which events should not be shown, from when to when?"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from kodkod.resources.kinds.calico import CRD_GROUP, GROUP, exception_check
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import Model

SELECTOR_MAX = 16_384


class AlertExceptionSpec(Model):
    """What to hide, and when."""

    description: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why these events are hidden."""
    selector: Annotated[str, Field(min_length=1, max_length=SELECTOR_MAX)]
    """Which events, in the query language, such as origin = "network.ssh" AND source_namespace = "dev"."""
    start_time: datetime
    """When hiding begins."""
    end_time: datetime | None = None
    """When it ends; absent: never."""


class AlertExceptionStatus(Model):
    """What was observed."""

    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class AlertException(Model):
    """AlertException hides the security events that its selector matches while it is in force; they reappear after."""

    spec: AlertExceptionSpec
    """What to hide, and when."""
    status: AlertExceptionStatus | None = None
    """What was observed."""


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="AlertException", plural="alertexceptions",
    singular="alertexception", namespaced=False, model=AlertException, description=str(AlertException.__doc__),
    check=exception_check,
    columns=(
        Column("Selector", ".spec.selector", description="Which events."),
        Column("Start", ".spec.startTime", priority=1, description="When hiding begins."),
        Column("End", ".spec.endTime", description="When it ends."),
    ),
)  # fmt: skip
