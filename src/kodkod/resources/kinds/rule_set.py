"""RuleSet: which signature rules are for which workloads?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import ATOMIC, Model
from kodkod.resources.selector import SELECTOR_TEXT_MAX, selector_causes

RULES_TEXT_MAX = 1_000_000
ERRORS_MAX = 10


class RuleSetSpec(Model):
    """Rules, and whom they are for."""

    selector: Annotated[str, Field(max_length=SELECTOR_TEXT_MAX)] = "all()"
    """Inspected endpoints of any namespace that the rules are for, beside the rules in force everywhere. A namespace
    is picked by its label, projectcalico.org/namespace == "dev"."""
    rules: Annotated[str, Field(max_length=RULES_TEXT_MAX)]
    """The rules, one a line, in the language of Snort 3, Snort 2.9 or Suricata."""


class RuleSetStatus(Model):
    """What was observed."""

    full: int | None = None
    """Rules that are honoured wholly."""
    degraded: int | None = None
    """Rules of which a part is ignored."""
    skipped: int | None = None
    """Rules that are not loaded."""
    endpoints: int | None = None
    """Inspected endpoints, on all nodes, that the rules are for."""
    errors: Annotated[list[str], Field(max_length=ERRORS_MAX, json_schema_extra=ATOMIC)] | None = None
    """Why rules are not loaded, each with its line and column; at most ten."""
    observed_generation: int | None = None
    """Generation of the spec that this is about."""
    conditions: Conditions | None = None
    """Observed facts, in Kubernetes' common form."""


class RuleSet(Model):
    """RuleSet holds signature rules for the inspected workloads that its selector picks."""

    spec: RuleSetSpec
    """Rules, and whom they are for."""
    status: RuleSetStatus | None = None
    """What was observed."""


def check(obj: Object) -> Iterator[Cause]:
    yield from selector_causes("spec.selector", obj["spec"].get("selector", ""))


KIND = Kind(
    group="kodkod.dev", version="v1alpha1", kind="RuleSet", plural="rulesets", singular="ruleset", namespaced=False,
    model=RuleSet, description=str(RuleSet.__doc__), check=check,
    columns=(
        Column("Full", ".status.full", "integer", description="Rules honoured wholly."),
        Column("Degraded", ".status.degraded", "integer", description="Rules honoured in part."),
        Column("Skipped", ".status.skipped", "integer", description="Rules not loaded."),
        Column("Endpoints", ".status.endpoints", "integer", description="Inspected endpoints they are for."),
        Column("Selector", ".spec.selector", priority=1, description="Whom the rules are for."),
    ),
)  # fmt: skip
