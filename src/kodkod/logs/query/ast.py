"""What does a query say, as its author wrote it? Frozen nodes; positions are kept, but two equal texts are equal trees.

Nothing here knows a data set: `binding` gives the nodes their fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Comparator(Enum):
    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="

    @property
    def is_order(self) -> bool:
        return self not in (Comparator.EQUAL, Comparator.NOT_EQUAL)


class Wildcard(Enum):
    MANY = "*"  # zero or more characters
    ONE = "?"  # exactly one


@dataclass(frozen=True, slots=True)
class Key:
    name: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Value:
    """Right of a comparator. `22` and `"22"` are the same value."""

    text: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A member of a set: literal texts and wildcards in turn, matched against a whole value."""

    parts: tuple[str | Wildcard, ...]
    offset: int = field(default=0, compare=False)

    @property
    def literal(self) -> str | None:
        """The text, if there is no wildcard."""
        if not self.parts:
            return ""
        only = self.parts[0]
        return only if len(self.parts) == 1 and isinstance(only, str) else None


@dataclass(frozen=True, slots=True)
class Variable:
    """`${name}`: a set that the alert's substitutions give."""

    name: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Everything:
    """The empty query."""


@dataclass(frozen=True, slots=True)
class Compare:
    key: Key
    comparator: Comparator
    value: Value


@dataclass(frozen=True, slots=True)
class Within:
    """`key IN {…}`, or NOTIN where negated."""

    key: Key
    members: tuple[Pattern, ...] | Variable
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    operand: Query


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Query, ...]


Query = Everything | Compare | Within | Not | And | Or
Substitutions = Mapping[str, tuple[str, ...]]
