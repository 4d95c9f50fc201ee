"""What does admission refuse of a GlobalAlert? What needs the query language and the fields (alerts-and-logs 1.3).

The five messages of the CRD itself are the kind's own; these come on top. Log schemas grow, so an unknown grouping or
metric field is a remark, not a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kodkod.alerting.rule import DEDUP, Dedup, dedup_of, durations, is_anomaly_detection, substitutions
from kodkod.alerting.template import TemplateError
from kodkod.alerting.template import parse as parse_template
from kodkod.logs import datasets
from kodkod.logs.datasets import Dataset
from kodkod.logs.query import QueryError, bind, parse, variables
from kodkod.resources import Object
from kodkod.resources.findings import Advice, Finding, invalid


def check(obj: Object) -> Iterator[Finding]:
    """For GlobalAlert and GlobalAlertTemplate; expects an object that has passed its schema."""
    spec = obj["spec"]
    if dedup_of(obj) is None:
        words = ", ".join(one.value for one in Dedup)
        yield Advice(f"metadata.annotations[{DEDUP}]: one of {words}; every result is written")
    dataset = datasets.ALL.get(spec.get("dataSet") or "")
    if is_anomaly_detection(obj):
        yield Advice("type AnomalyDetection is not supported: the alert is stored, but does not run")
        return
    if dataset is None:
        return
    yield from _query(spec, dataset)
    yield from _texts(spec)
    yield from _fields(spec, dataset)
    period_s, lookback_s = durations(spec)
    if lookback_s < period_s:
        yield Advice("lookback is shorter than period: records that arrive in between are not judged")


def _query(spec: dict[str, Any], dataset: Dataset) -> Iterator[Finding]:
    text = spec.get("query") or ""
    lists = substitutions(spec)
    try:
        tree = parse(text)
        missing = [one.name for one in variables(tree) if not lists.get(one.name)]
        if not missing:  # the kind's own check names what is missing or empty
            bind(tree, dataset, lists)
    except QueryError as error:
        yield invalid("spec.query", text, str(error))


def _texts(spec: dict[str, Any]) -> Iterator[Finding]:
    known = [*(spec.get("aggregateBy") or ()), *([spec["metric"]] if spec.get("metric") else ())]
    for name in ("summary", "description"):
        source = spec.get(name) or ""
        try:
            unknown = [one for one in parse_template(source).variables if one.name not in known]
        except TemplateError as error:
            yield invalid(f"spec.{name}", source, str(error))
            continue
        for one in unknown:
            listed = ", ".join(known) or "none, as there is neither aggregateBy nor metric"
            detail = f"unknown variable ${{{one.name}}} at column {one.offset + 1}; variables: {listed}"
            yield invalid(f"spec.{name}", source, detail)


def _fields(spec: dict[str, Any], dataset: Dataset) -> Iterator[Finding]:
    for key in spec.get("aggregateBy") or ():
        if not dataset.resolve(key):
            yield Advice(f'spec.aggregateBy: unknown field "{key}" for data set {dataset.name}')
    operand = spec.get("field")
    if not operand:
        return
    found = dataset.resolve(operand)
    if not found:
        yield Advice(f'spec.field: unknown field "{operand}" for data set {dataset.name}')
    elif not found[0].has_one_number:
        yield Advice(f'spec.field: field "{operand}" is not numeric')
