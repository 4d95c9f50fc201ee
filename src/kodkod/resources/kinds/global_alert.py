"""GlobalAlert: what should the logs be asked, how often, and when is the answer an event?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.durations import parse_duration
from kodkod.resources.findings import Cause, invalid, required
from kodkod.resources.kinds.calico import CRD_GROUP, GROUP
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, GoDuration, Model

PERIOD_MIN_S = 60.0
QUERY_TEXT_MAX = 16_384


class Substitution(Model):
    """A named list of values for a query's IN and NOTIN."""

    name: str
    """Name, used in the query as ${name}."""
    values: Annotated[list[str], Field(json_schema_extra=ATOMIC)] | None = None
    """The values; * and ? are wildcards."""


class Detector(Model):
    """An anomaly detector of old manifests; not run."""

    name: str
    """Name of the detector."""


class GlobalAlertSpec(Model):
    """What to ask, and when the answer is an event."""

    type: Literal["RuleBased", "AnomalyDetection", ""] | None = None
    """RuleBased, which is also meant when absent. AnomalyDetection is taken from old manifests and never runs."""
    summary: Annotated[str, Field(max_length=4096)] | None = None
    """Text of the events, with variables such as ${qname} for grouping fields and the metric. Absent: description."""
    description: Annotated[str, Field(max_length=4096)]
    """What the alert is about; may hold the same variables as summary."""
    severity: Annotated[int, Field(ge=1, le=100)]
    """From 1 (least) to 100 (critical); copied to each event."""
    data_set: Annotated[Literal["flows", "dns", "audit", "l7", "waf", "vulnerability"], Field(max_length=32)] | None = (
        None
    )
    """Which log is asked."""
    period: GoDuration = "5m0s"
    """How often the question is asked; at least one minute."""
    lookback: GoDuration = "10m0s"
    """How far back each run reads; at least one minute."""
    query: Annotated[str, Field(max_length=QUERY_TEXT_MAX)] | None = None
    """Which records count, such as qname = "example.com" AND rcode != NoError. Empty: every record."""
    aggregate_by: Annotated[list[str], Field(json_schema_extra=ATOMIC)] | None = None
    """Log fields by which records are grouped; each group is judged for itself."""
    field: Annotated[str, Field(max_length=256)] | None = None
    """Numeric log field that avg, max, min or sum is taken of."""
    metric: Annotated[Literal["avg", "max", "min", "sum", "count", ""], Field(max_length=16)] | None = None
    """What is computed for each group; absent: every match is an event."""
    condition: Annotated[Literal["eq", "not_eq", "gt", "gte", "lt", "lte", ""], Field(max_length=16)] | None = None
    """How the metric is compared with the threshold."""
    threshold: float | None = None
    """What the metric is compared with; absent means 0."""
    substitutions: Annotated[list[Substitution], Field(json_schema_extra=ATOMIC)] | None = None
    """Named lists for the query."""
    detector: Detector | None = None
    """Only with type AnomalyDetection."""


class ErrorCondition(Model):
    """An error that keeps the alert from running."""

    type: str
    """QueryParse, QueryValidation, Execution or Template."""
    message: str
    """What is wrong."""


class GlobalAlertStatus(Model):
    """What was observed."""

    last_update: datetime | None = None
    """When a change of the spec was last taken up."""
    active: bool
    """Whether the alert is running."""
    healthy: bool
    """Whether it runs without errors."""
    last_executed: datetime | None = None
    """When the question was last asked."""
    last_event: datetime | None = None
    """When an event was last written."""
    error_conditions: Annotated[list[ErrorCondition], Field(json_schema_extra=ATOMIC)] | None = None
    """The newest errors."""
    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class GlobalAlert(Model):
    """GlobalAlert asks a log periodically and writes a security event for each answer that meets its condition."""

    spec: GlobalAlertSpec
    """What to ask, and when the answer is an event."""
    status: GlobalAlertStatus | None = None
    """What was observed. Written by the server."""


class GlobalAlertTemplate(Model):
    """GlobalAlertTemplate is a prepared GlobalAlert to copy from; it never runs."""

    spec: GlobalAlertSpec
    """What the copied alert would ask."""


def check(obj: Object) -> Iterator[Cause]:
    spec = obj["spec"]
    yield from _metric_causes(spec)
    if spec.get("type", "RuleBased") in ("", "RuleBased") and not spec.get("dataSet"):
        yield invalid("spec", spec, "dataSet is required for RuleBased alerts")
        yield required("spec.dataSet")  # as a schema says it; scripts look for either
    for name in ("period", "lookback"):
        if parse_duration(spec[name]) < PERIOD_MIN_S:
            yield invalid(f"spec.{name}", spec[name], "must be at least one minute (1m)")
    yield from _substitution_causes(spec)


def _metric_causes(spec: Object) -> Iterator[Cause]:
    metric, field = spec.get("metric"), spec.get("field")
    if field and not metric:
        yield invalid("spec", spec, "field without metric is invalid")
    if metric == "count" and field:
        yield invalid("spec", spec, "count metric cannot be applied to a field")
    if metric and metric != "count" and not field:
        yield invalid("spec", spec, "non-count metrics require a field")
    if metric and not spec.get("condition"):
        yield invalid("spec", spec, "metrics require a condition")


def _substitution_causes(spec: Object) -> Iterator[Cause]:
    names = [entry["name"] for entry in spec.get("substitutions") or []]
    for index, name in enumerate(names):
        where = f"spec.substitutions[{index}]"
        if name in names[:index]:
            yield Cause("FieldValueDuplicate", f'Duplicate value: "{name}"', f"{where}.name")
        if not spec["substitutions"][index].get("values"):
            yield invalid(f"{where}.values", [], f"substitution {name} has no values")
    for name in re.findall(r"\$\{([^}]*)\}", spec.get("query") or ""):
        if name not in names:
            yield invalid("spec.query", spec["query"], f"${{{name}}} has no substitution of that name")


_COLUMNS = (
    Column("Data-Set", ".spec.dataSet", description="Which log is asked."),
    Column("Severity", ".spec.severity", "integer", description="Severity of the events."),
    Column("Period", ".spec.period", priority=1, description="How often."),
    Column("Lookback", ".spec.lookback", priority=1, description="How far back."),
)

KIND = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="GlobalAlert", plural="globalalerts", singular="globalalert",
    namespaced=False, model=GlobalAlert, description=str(GlobalAlert.__doc__), check=check,
    columns=(
        Column("Healthy", ".status.healthy", "boolean", description="Whether it runs without errors."),
        *_COLUMNS,
        Column("Last-Event", ".status.lastEvent", "date", description="When an event was last written."),
        Column("Query", ".spec.query", priority=1, description="Which records count."),
    ),
)  # fmt: skip

TEMPLATE = Kind(
    group=GROUP, version="v3", also=(CRD_GROUP,), kind="GlobalAlertTemplate", plural="globalalerttemplates",
    singular="globalalerttemplate", namespaced=False, model=GlobalAlertTemplate, status=False,
    description=str(GlobalAlertTemplate.__doc__), check=check, columns=_COLUMNS,
)  # fmt: skip
