"""What does a query string say? Frozen nodes; clauses are required, forbidden or one of several, as in Lucene."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from kodkod.logs.query.ast import Pattern


class Occur(Enum):
    SHOULD = "should"  # one of these is enough, and none is needed beside a required one
    MUST = "must"
    MUST_NOT = "must not"


@dataclass(frozen=True, slots=True)
class Term:
    """A word; its wildcards are those of the pattern. A lone star asks whether there is a value."""

    pattern: Pattern
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in quotes: no wildcards."""

    text: str
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Span:
    """`[a TO b]`, `{a TO b}`, `>a`: None is open. with_*: whether the end itself belongs to it."""

    low: str | None
    high: str | None
    with_low: bool = True
    with_high: bool = True
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """`name:…`: what is inside is asked of this field."""

    name: str
    inner: Node
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Clause:
    """occur None: neither + nor - was written; the default operator decides."""

    node: Node
    occur: Occur


Node = Term | Phrase | Span | Group | Named
Query = Group
