"""What does a selector mean? Frozen nodes; `matches` defines the meaning, `str` the one canonical text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Selector(Protocol):
    """A parsed selector."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an endpoint with these labels is meant. Byte-exact, case-sensitive."""
        ...


@dataclass(frozen=True, slots=True)
class All:
    def matches(self, labels: Mapping[str, str]) -> bool:  # noqa: ARG002 - every endpoint, whatever its labels
        return True

    def __str__(self) -> str:
        return "all()"


@dataclass(frozen=True, slots=True)
class Global:
    def matches(self, labels: Mapping[str, str]) -> bool:  # noqa: ARG002 - every endpoint, whatever its labels
        return True

    def __str__(self) -> str:
        return "global()"


@dataclass(frozen=True, slots=True)
class Has:
    label: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        return self.label in labels

    def __str__(self) -> str:
        return f"has({self.label})"


@dataclass(frozen=True, slots=True)
class Equals:
    label: str
    value: str
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        return (labels.get(self.label) == self.value) is not self.negated

    def __str__(self) -> str:
        return f"{self.label} {'!=' if self.negated else '=='} {quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class In:
    label: str
    values: frozenset[str]
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.label)
        return (value is not None and value in self.values) is not self.negated

    def __str__(self) -> str:
        members = ", ".join(quoted(value) for value in sorted(self.values))
        return f"{self.label} {'not in' if self.negated else 'in'} {{{members}}}"


@dataclass(frozen=True, slots=True)
class Contains:
    label: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        return self.value in labels[self.label] if self.label in labels else False

    def __str__(self) -> str:
        return f"{self.label} contains {quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class StartsWith:
    label: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        return labels[self.label].startswith(self.value) if self.label in labels else False

    def __str__(self) -> str:
        return f"{self.label} starts with {quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class EndsWith:
    label: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        return labels[self.label].endswith(self.value) if self.label in labels else False

    def __str__(self) -> str:
        return f"{self.label} ends with {quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Not:
    operand: Selector

    def matches(self, labels: Mapping[str, str]) -> bool:
        return not self.operand.matches(labels)

    def __str__(self) -> str:
        return f"!{self.operand}"


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Selector, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(operand.matches(labels) for operand in self.operands)

    def __str__(self) -> str:
        return f"({' && '.join(map(str, self.operands))})"


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Selector, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        return any(operand.matches(labels) for operand in self.operands)

    def __str__(self) -> str:
        return f"({' || '.join(map(str, self.operands))})"


def quoted(value: str) -> str:
    """The language has no escapes: double quotes, unless the value holds one."""
    return f"'{value}'" if '"' in value else f'"{value}"'
