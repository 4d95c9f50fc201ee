"""What does a GlobalAlert mean? Its spec, read once into a value that the evaluation can trust."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kodkod.alerting.template import Template, TemplateError
from kodkod.alerting.template import parse as parse_template
from kodkod.logs import datasets
from kodkod.logs.datasets import Dataset
from kodkod.logs.errors import UnknownDataset
from kodkod.logs.query import Bound, QueryError, bind, parse
from kodkod.logs.store import Grouping, Metric
from kodkod.resources import Object
from kodkod.resources.durations import parse_duration

ANOMALY_DETECTION = "AnomalyDetection"
PAUSED = "kodkod.dev/paused"
DEDUP = "kodkod.dev/dedup"
PERIOD_S = 300.0
LOOKBACK_S = 600.0

CONDITIONS: dict[str, Callable[[float, float], bool]] = {
    "eq": operator.eq,
    "not_eq": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


class Dedup(Enum):
    """When a result is no event because its like was one before (alerts-and-logs 1.11). Alike: the grouping values."""

    NONE = "none"  # each run writes what it finds, as the product does
    WINDOW = "window"  # not while an event of its like lies within the lookback
    OPEN = "open"  # not while an event of its like is there that nobody has dismissed


class RuleError(Exception):
    """A stored alert that cannot run. kind: the type of its error condition (alerts-and-logs 1.7)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert, ready to run.

    condition: None for an unconditional alert, whose every row is an event.
    text: what events say: the summary, or the description where there is none.
    """

    name: str
    uid: str
    dataset: Dataset
    query: Bound
    grouping: Grouping
    condition: str | None
    threshold: float
    period_s: float
    lookback_s: float
    severity: int
    text: Template
    dedup: Dedup = Dedup.NONE

    def is_met(self, value: float | None) -> bool:
        """Whether a row of this value is an event. Compared in float64; eq and not_eq are exact."""
        if self.condition is None:
            return True
        return value is not None and CONDITIONS[self.condition](value, self.threshold)


def is_paused(obj: Object) -> bool:
    return str((obj["metadata"].get("annotations") or {}).get(PAUSED, "")).lower() == "true"


def dedup_of(obj: Object) -> Dedup | None:
    """What the annotation asks for; None for a word that it does not know."""
    word = (obj["metadata"].get("annotations") or {}).get(DEDUP, Dedup.NONE.value)
    return next((one for one in Dedup if one.value == word), None)


def is_anomaly_detection(obj: Object) -> bool:
    return bool(obj["spec"].get("type") == ANOMALY_DETECTION)


def durations(spec: dict[str, Any]) -> tuple[float, float]:
    """(period, lookback) in seconds; RuleError where one is no duration."""
    try:
        period = parse_duration(spec["period"]) if spec.get("period") else PERIOD_S
        lookback = parse_duration(spec["lookback"]) if spec.get("lookback") else LOOKBACK_S
    except ValueError as error:
        raise RuleError("QueryValidation", str(error)) from error
    return period, lookback


def rule_of(obj: Object) -> Rule:
    """Read an alert; RuleError says why it cannot run."""
    spec, metadata = obj["spec"], obj["metadata"]
    dataset = _dataset(spec)
    period_s, lookback_s = durations(spec)
    metric = Metric(spec["metric"]) if spec.get("metric") else None
    return Rule(
        name=metadata["name"],
        uid=metadata.get("uid", metadata["name"]),
        dataset=dataset,
        query=_query(spec, dataset),
        grouping=Grouping(tuple(spec.get("aggregateBy") or ()), metric, spec.get("field") or None),
        condition=_condition(spec) if metric else None,
        threshold=float(spec.get("threshold") or 0.0),
        period_s=period_s,
        lookback_s=lookback_s,
        severity=spec["severity"],
        text=_text(spec),
        dedup=dedup_of(obj) or Dedup.NONE,
    )


def _dataset(spec: dict[str, Any]) -> Dataset:
    try:
        return datasets.named(spec.get("dataSet") or "")
    except UnknownDataset as error:
        raise RuleError("QueryValidation", str(error)) from error


def _query(spec: dict[str, Any], dataset: Dataset) -> Bound:
    try:
        tree = parse(spec.get("query") or "")
    except QueryError as error:
        raise RuleError("QueryParse", str(error)) from error
    try:
        return bind(tree, dataset, substitutions(spec))
    except QueryError as error:
        raise RuleError("QueryValidation", str(error)) from error


def substitutions(spec: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {one["name"]: tuple(one.get("values") or ()) for one in spec.get("substitutions") or ()}


def _condition(spec: dict[str, Any]) -> str:
    condition = spec.get("condition") or ""
    if condition not in CONDITIONS:
        raise RuleError("QueryValidation", "metrics require a condition")
    return str(condition)


def _text(spec: dict[str, Any]) -> Template:
    try:
        return parse_template(spec.get("summary") or spec.get("description") or "")
    except TemplateError as error:
        raise RuleError("Template", str(error)) from error
