"""DeepPacketInspection: whose packets should be looked into?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, Model
from kodkod.resources.selector import SELECTOR_TEXT_MAX, selector_causes

ERROR_CONDITIONS_MAX = 10


class DeepPacketInspectionSpec(Model):
    """Whom to inspect."""

    selector: Annotated[str, Field(max_length=SELECTOR_TEXT_MAX)] = "all()"
    """Picks workload endpoints of the object's own namespace by their labels, such as app == "frontend". Empty or
    all() takes every one; pick few, since inspection costs CPU."""


class Active(Model):
    """Whether inspection runs on a node."""

    success: bool | None = None
    """True when every matching workload of the node is being inspected."""
    last_updated: datetime | None = None
    """When this was last written."""


class ErrorCondition(Model):
    """Something that keeps inspection from running as asked."""

    message: str | None = None
    """What is wrong, and where."""
    last_updated: datetime | None = None
    """When it was last seen."""


class InspectedNode(Model):
    """Inspection on one node."""

    node: str | None = None
    """Name of the node."""
    active: Active | None = None
    """Whether inspection runs there."""
    error_conditions: (
        Annotated[list[ErrorCondition], Field(max_length=ERROR_CONDITIONS_MAX, json_schema_extra=ATOMIC)] | None
    ) = None
    """The newest errors, at most ten."""
    endpoints: int | None = None
    """Workload endpoints being inspected."""
    rules: int | None = None
    """Rules in force."""
    packets: int | None = None
    """Packets looked at."""
    alerts: int | None = None
    """Alerts raised."""
    dropped: int | None = None
    """Packets that were due but not looked at."""
    observed_at: datetime | None = None
    """When the node last reported this."""


class InspectionSummary(Model):
    """All nodes together, for `kubectl get`: the columns of a CRD cannot count."""

    active: str = "0/0"
    """Nodes that inspect, of all."""
    alerts: int = 0
    """Alerts raised."""
    errors: int = 0
    """Errors at present."""


class DeepPacketInspectionStatus(Model):
    """What was observed."""

    nodes: Annotated[list[InspectedNode], Field(json_schema_extra=ATOMIC)] | None = None
    """One entry for each node."""
    summary: InspectionSummary | None = None
    """The entries added up."""
    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class DeepPacketInspection(Model):
    """DeepPacketInspection inspects the traffic of the workloads that a selector picks with signature rules and raises
    an event for each that fires."""

    spec: DeepPacketInspectionSpec = DeepPacketInspectionSpec()
    """Whom to inspect."""
    status: DeepPacketInspectionStatus | None = None
    """What was observed. Written by the server."""


def normalise(obj: Object) -> None:
    spec = obj.get("spec") or {}
    if not str(spec.get("selector", "")).strip(" \t"):
        spec["selector"] = "all()"


def check(obj: Object) -> Iterator[Cause]:
    yield from selector_causes("spec.selector", (obj.get("spec") or {}).get("selector", ""))


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="DeepPacketInspection", plural="deeppacketinspections",
    singular="deeppacketinspection", namespaced=True, short_names=("dpi",), model=DeepPacketInspection,
    description=str(DeepPacketInspection.__doc__), check=check, normalise=normalise,
    columns=(
        Column("Active", ".status.summary.active", description="Nodes that inspect, of all."),
        Column("Alerts", ".status.summary.alerts", "integer", description="Alerts raised."),
        Column("Errors", ".status.summary.errors", "integer", 1, "Errors at present."),
        Column("Selector", ".spec.selector", priority=1, description="Which endpoints."),
    ),
)  # fmt: skip
