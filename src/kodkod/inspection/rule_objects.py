"""Which RuleSet objects are for which endpoint, beside the rules in force everywhere, and what became of them?

Each endpoint is judged by the node's own rules and those of every RuleSet whose selector picks it. Endpoints with the
same RuleSets share one compiled set, and a set is swapped while packets flow: flows keep their state. Each text is also
compiled alone, so that its object can be told what its rules are worth before any endpoint wants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kodkod.endpoints import Endpoint
from kodkod.resources import selector as selectors
from kodkod.resources.kinds.node_report import ERROR_CONDITIONS_MAX, RuleSetReport

if TYPE_CHECKING:
    from kodkod._core import Receipt, RuleSet

COMBINATIONS_MAX = 32
"""Compiled sets at a time, each with the rules of everywhere too. Endpoints beyond have those alone; it is told."""
TOO_MANY = f"more than {COMBINATIONS_MAX} different combinations of RuleSets on this node: not in force everywhere"


class Compile(Protocol):
    """Compiles texts; as in `node`."""

    def __call__(self, sources: Sequence[tuple[str, bytes]], classification: bytes | None) -> RuleSet: ...


@dataclass(frozen=True, slots=True)
class RuleObject:
    """One RuleSet as this node understands it. fault: why it picks nothing."""

    uid: str
    name: str
    generation: int
    selector: selectors.Selector
    text: bytes
    fault: str = ""

    @property
    def source(self) -> str:
        """The file that its receipts name."""
        return f"RuleSet/{self.name}"

    def picks(self, endpoint: Endpoint) -> bool:
        return not self.fault and self.selector.matches(endpoint.labels)


def read(obj: Mapping[str, Any]) -> RuleObject:
    """Never raises for what a user wrote: admission refuses a bad selector, a plain CRD store may hold one."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    fault = ""
    try:
        selector = selectors.parse(str(spec.get("selector") or ""))
    except selectors.SelectorError as error:
        selector, fault = selectors.parse(""), f"spec.selector: {error}"
    return RuleObject(
        uid=str(metadata.get("uid") or ""),
        name=metadata["name"],
        generation=int(metadata.get("generation") or 0),
        selector=selector,
        text=str(spec.get("rules") or "").encode(),
        fault=fault,
    )


@dataclass(frozen=True, slots=True)
class Base:
    """The rules in force everywhere: texts, classes, and the set they make."""

    texts: tuple[tuple[str, bytes], ...]
    classification: bytes | None
    rules: RuleSet


Combination = tuple[RuleObject, ...]


class RuleObjects:
    """Compiled sets for combinations of RuleSets. One thread at a time; compiling may take a second."""

    def __init__(self, compile_rules: Compile) -> None:
        self._compile = compile_rules
        self._base: Base | None = None
        self._alone: dict[RuleObject, list[Receipt]] = {}
        self._compiled: dict[Combination, RuleSet] = {}
        self._chosen: dict[str, Combination] = {}
        self._left_out: set[RuleObject] = set()

    def take(self, objects: Iterable[RuleObject], base: Base, endpoints: Iterable[Endpoint]) -> None:
        """Compile what is new, let go of what nobody wants any more."""
        objects = sorted(objects, key=lambda one: one.name)
        if base != self._base:
            self._base, self._compiled = base, {}
        alone, self._alone = self._alone, {}
        for one in objects:
            self._alone[one] = alone[one] if one in alone else self._receipts(one, base)
        self._chosen = {endpoint.id: tuple(one for one in objects if one.picks(endpoint)) for endpoint in endpoints}
        wanted = [combination for combination in dict.fromkeys(self._chosen.values()) if combination]
        self._left_out = {one for combination in wanted[COMBINATIONS_MAX:] for one in combination}
        compiled, self._compiled = self._compiled, {}
        for combination in wanted[:COMBINATIONS_MAX]:
            known = compiled.get(combination)
            self._compiled[combination] = known if known is not None else self._joined(combination, base)

    def rules_for(self, endpoint_id: str) -> RuleSet | None:
        """What an endpoint is judged by; None before anything was taken."""
        base = self._base.rules if self._base is not None else None
        return self._compiled.get(self._chosen.get(endpoint_id, ()), base)

    def reports(self) -> list[RuleSetReport]:
        """What each RuleSet's rules are worth here, and how many inspected endpoints it is for."""
        return [self._report(one, receipts) for one, receipts in self._alone.items()]

    def _report(self, one: RuleObject, receipts: list[Receipt]) -> RuleSetReport:
        counts = {status: sum(1 for receipt in receipts if receipt["status"] == status) for status in _STATUSES}
        errors = [*([one.fault] if one.fault else []), *([TOO_MANY] if one in self._left_out else [])]
        errors += [line for receipt in receipts if receipt["status"] == "skipped" for line in told(receipt)]
        return RuleSetReport(
            name=one.name,
            uid=one.uid,
            generation=one.generation,
            endpoints=sum(one in combination for combination in self._chosen.values()),
            errors=errors[:ERROR_CONDITIONS_MAX],
            **counts,
        )

    def _receipts(self, one: RuleObject, base: Base) -> list[Receipt]:
        return self._compile([(one.source, one.text)], base.classification).receipts()

    def _joined(self, combination: Combination, base: Base) -> RuleSet:
        return self._compile([*base.texts, *((one.source, one.text) for one in combination)], base.classification)


_STATUSES = ("full", "degraded", "skipped")


def told(receipt: Receipt) -> list[str]:
    """Why a rule is not loaded, with its place."""
    return [f"{receipt['line']}:{reason['column']}: {reason['message']}" for reason in receipt["reasons"][:1]]
