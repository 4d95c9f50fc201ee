"""Which objects does `kubectl -l` or `--field-selector` mean?

    labels   team=blue, team!=red, tier in (a,b), tier notin (c), has, !hasnot
    fields   metadata.name=x,status.phase!=Running
Empty terms are legal and mean nothing (`a=b,`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

TEXT_MAX = 16_384

_KEY = r"[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9_.-]*"
_SET_TERM = re.compile(rf"({_KEY})\s+(in|notin)\s+\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_EXISTENCE = re.compile(rf"(!?)\s*({_KEY})")


class SelectorTextError(ValueError):
    """The text cannot be read as a selector."""


@dataclass(frozen=True, slots=True)
class Requirement:
    key: str
    operator: Literal["in", "notin", "exists", "absent"]
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        present = self.key in labels
        match self.operator:
            case "exists":
                return present
            case "absent":
                return not present
            case "in":
                return present and labels[self.key] in self.values
            case _:
                return not present or labels[self.key] not in self.values


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)


@lru_cache(maxsize=512)
def parse_labels(text: str) -> LabelSelector:
    """Raises SelectorTextError."""
    if len(text) > TEXT_MAX:
        raise SelectorTextError(f"selector is longer than {TEXT_MAX} characters")
    requirements: list[Requirement] = []
    rest = text.strip()
    while rest:
        if rest[0] == ",":
            rest = rest[1:].lstrip()
            continue
        requirement, rest = _next_requirement(rest)
        requirements.append(requirement)
        if rest and rest[0] != ",":
            raise SelectorTextError(f"unable to parse requirement: found {rest[:40]!r}, expected: ',' or end")
    return LabelSelector(tuple(requirements))


def _next_requirement(text: str) -> tuple[Requirement, str]:
    if match := _SET_TERM.match(text):
        values = frozenset(value.strip() for value in match.group(3).split(","))
        return Requirement(match.group(1), "in" if match.group(2) == "in" else "notin", values), _after(text, match)
    if match := _EQUALITY.match(text):
        operator: Literal["in", "notin"] = "notin" if match.group(2) == "!=" else "in"
        return Requirement(match.group(1), operator, frozenset({match.group(3)})), _after(text, match)
    if match := _EXISTENCE.match(text):
        return Requirement(match.group(2), "absent" if match.group(1) else "exists"), _after(text, match)
    raise SelectorTextError(f"unable to parse requirement: found {text[:40]!r}, expected: a label key")


def _after(text: str, match: re.Match[str]) -> str:
    return text[match.end() :].lstrip()


def of_object(selector: Mapping[str, Any]) -> LabelSelector:
    """The selector that `matchLabels` and `matchExpressions` make."""
    wanted = selector.get("matchLabels") or {}
    requirements = [Requirement(key, "in", frozenset({value})) for key, value in wanted.items()]
    operators: dict[str, Literal["in", "notin", "exists", "absent"]] = {
        "In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent",
    }  # fmt: skip
    for entry in selector.get("matchExpressions") or []:
        operator = operators.get(entry.get("operator", ""))
        if operator is not None and isinstance(entry.get("key"), str):
            requirements.append(Requirement(entry["key"], operator, frozenset(entry.get("values") or ())))
    return LabelSelector(tuple(requirements))


@dataclass(frozen=True, slots=True)
class FieldTerm:
    path: str
    value: str
    negated: bool

    def matches(self, obj: Mapping[str, Any]) -> bool:
        return (field_text(obj, self.path) == self.value) is not self.negated


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All terms must hold."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, obj: Mapping[str, Any]) -> bool:
        return all(term.matches(obj) for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)


@lru_cache(maxsize=512)
def parse_fields(text: str) -> FieldSelector:
    """Raises SelectorTextError. A backslash escapes `\\`, `,` and `=` in a value, as in Kubernetes."""
    if len(text) > TEXT_MAX:
        raise SelectorTextError(f"selector is longer than {TEXT_MAX} characters")
    terms: list[FieldTerm] = []
    for part in re.split(r"(?<!\\),", text):
        if not part.strip():
            continue
        match = re.fullmatch(r"\s*([^=!\\]+?)(!=|==|=)(.*)", part, re.DOTALL)
        if match is None:
            raise SelectorTextError(f"invalid selector: {text!r}; can't understand {part!r}")
        value = re.sub(r"\\([\\,=])", r"\1", match.group(3))
        terms.append(FieldTerm(match.group(1), value, match.group(2) == "!="))
    return FieldSelector(tuple(terms))


def check_fields(selector: FieldSelector, allowed: Callable[[str], bool]) -> None:
    """Raises SelectorTextError for a field that the kind cannot be selected by."""
    for term in selector.terms:
        if not allowed(term.path):
            raise SelectorTextError(f"field label not supported: {term.path}")


def field_text(obj: Mapping[str, Any], path: str) -> str:
    """The value at a path as text; "" where there is none."""
    if path == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
