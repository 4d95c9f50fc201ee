"""RuleSet: which signature rules are for which workloads?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from kodkod.resources import Object
from kodkod.resources.findings import Cause
from kodkod.resources.kinds.conditions import Conditions
from kodkod.resources.kinds.kind import Column, Kind
from kodkod.resources.kinds.model import Model
from kodkod.resources.selector import SELECTOR_TEXT_MAX, selector_causes

RULES_TEXT_MAX = 1_000_000


class RuleSetSpec(Model):
    """Rules, and whom they are for."""

    selector: Annotated[str, Field(max_length=SELECTOR_TEXT_MAX)] = "all()"
    """Inspected endpoints that the rules are for; they are looked for beside the default set."""
    dialect: Literal["auto", "snort3", "snort2", "suricata"] = "auto"
    """Language of the rules."""
    rules: Annotated[str, Field(max_length=RULES_TEXT_MAX)]
    """The rules, one a line."""
    variables: dict[str, str] | None = None
    """Values for variables such as HOME_NET."""


class RuleSetStatus(Model):
    """What was observed."""

    full: int | None = None
    """Rules that are honoured wholly."""
    degraded: int | None = None
    """Rules of which a part is ignored."""
    skipped: int | None = None
    """Rules that are not loaded."""
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
        Column("Selector", ".spec.selector", priority=1, description="Whom the rules are for."),
    ),
)  # fmt: skip
