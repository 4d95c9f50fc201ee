"""What would this alert have found? `POST /v1/alerts/preview` runs a GlobalAlert's spec over the past."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from kodkod.alerting import evaluate, validation
from kodkod.alerting.rule import Rule, RuleError, rule_of
from kodkod.logs.query import AllOf, Bound
from kodkod.logs.store import Axis, Window
from kodkod.resources.durations import parse_duration
from kodkod.resources.findings import Advice
from kodkod.server.facts import Facts
from kodkod.server.problems import RESPONSES, Problem, ProblemRoute
from kodkod.server.records import EventBody

SAMPLES_MAX = 20
EVENTS_COUNTED_MAX = 100_000
SPAN_S_MAX = 7 * 86_400


class PreviewQuestion(BaseModel):
    spec: dict[str, Any] = Field(description="Of a GlobalAlert.")
    name: str = Field("preview", max_length=253)
    span: str = Field("1h", description="How much of the past, as a Go duration; at most 168h.")


class Preview(BaseModel):
    """One run over the whole span, as if period and lookback were the span."""

    events: int = Field(description="How many events one run over the span would write.")
    is_complete: bool = Field(description="False where counting stopped at a bound.")
    samples: list[EventBody]
    warnings: list[str]


def router(facts: Facts) -> APIRouter:
    routes = APIRouter(route_class=ProblemRoute, responses=RESPONSES)

    @routes.post("/alerts/preview", response_model=Preview, response_model_exclude_unset=True, tags=["alerts"])
    async def preview(request: Request, asked: PreviewQuestion) -> Preview:
        """Back-test a spec. Reads only what the caller may read of the data set."""
        obj = {"metadata": {"name": asked.name, "uid": "preview"}, "spec": asked.spec}
        rule, warnings = checked(obj)
        limit_to = await facts.restriction(request.state.caller, "logs", rule.dataset)
        now_s = facts.clock.now().timestamp()
        window = Window(now_s - span_s(asked.span), now_s, Axis.ARRIVAL)
        seen = 0
        samples: list[EventBody] = []
        async for row in evaluate.rows(narrowed(rule, limit_to), facts.logs, window):
            seen += 1
            if len(samples) < SAMPLES_MAX:
                samples.append(EventBody.model_validate(evaluate.event(rule, row, window).to_record()))
            if seen == EVENTS_COUNTED_MAX:
                break
        facts.on_record(request, request.state.caller, "logs", rule.dataset.name, seen)
        return Preview(events=seen, is_complete=seen < EVENTS_COUNTED_MAX, samples=samples, warnings=warnings)

    return routes


def checked(obj: dict[str, Any]) -> tuple[Rule, list[str]]:
    """The rule and the remarks admission would make; Problem 422 with its refusal."""
    if not isinstance(obj["spec"].get("severity"), int):
        obj["spec"]["severity"] = 100
    try:
        rule = rule_of(obj)
        findings = list(validation.check(obj))
    except (RuleError, ValueError, KeyError, TypeError) as error:
        raise Problem(422, "bad_request", f"the spec cannot run: {error}") from error
    refused = [one for one in findings if not isinstance(one, Advice)]
    if refused:
        raise Problem(422, "bad_request", str(refused[0]))
    return rule, [one.message for one in findings if isinstance(one, Advice)]


def narrowed(rule: Rule, limit_to: Bound | None) -> Rule:
    if limit_to is None:
        return rule
    return replace(rule, query=AllOf((limit_to, rule.query)))


def span_s(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise Problem(422, "bad_request", str(error)) from error
    if not 0 < seconds <= SPAN_S_MAX:
        raise Problem(422, "bad_request", f"the span may be at most {SPAN_S_MAX // 3600}h")
    return seconds
