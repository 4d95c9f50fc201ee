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
from kodkod.resources.kinds.kind import Cell, Column, Kind
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


class DeepPacketInspectionStatus(Model):
    """What was observed."""

    nodes: Annotated[list[InspectedNode], Field(json_schema_extra=ATOMIC)] | None = None
    """One entry for each node."""
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


def _nodes(obj: Object) -> list[Object]:
    return list((obj.get("status") or {}).get("nodes") or [])


def _active_count(obj: Object) -> Cell:
    nodes = _nodes(obj)
    return f"{sum(1 for entry in nodes if (entry.get('active') or {}).get('success'))}/{len(nodes)}"


def _alert_count(obj: Object) -> Cell:
    return sum(int(entry.get("alerts") or 0) for entry in _nodes(obj))


def _error_count(obj: Object) -> Cell:
    return sum(len(entry.get("errorConditions") or []) for entry in _nodes(obj))


KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="DeepPacketInspection", plural="deeppacketinspections",
    singular="deeppacketinspection", namespaced=True, short_names=("dpi",), model=DeepPacketInspection,
    description=str(DeepPacketInspection.__doc__), check=check, normalise=normalise,
    columns=(
        Column("Active", ".status.nodes[*].active.success", description="Nodes that inspect, of all.",
               value=_active_count),
        Column("Alerts", ".status.nodes[*].alerts", "integer", description="Alerts raised.", value=_alert_count),
        Column("Errors", ".status.nodes[*].errorConditions", "integer", 1, "Errors at present.", _error_count),
        Column("Selector", ".spec.selector", priority=1, description="Which endpoints."),
    ),
)  # fmt: skip
