"""What is a kind? Its names, scope, model, printed columns and the checks that one field alone cannot express."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from kodkod.resources import Object
from kodkod.resources.findings import Finding
from kodkod.resources.kinds.model import Model

Check = Callable[[Object], Iterable[Finding]]
"""Looks at a whole object that has the right shape already, and yields what is wrong with it."""

Cell = str | int | float | bool | None

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class GroupVersion:
    group: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Column:
    """One printed column of `kubectl get`.

    path: where the value stands, as a CRD's `jsonPath` (`.spec.selector`).
    priority: 0 is always shown, 1 only in `-o wide`.
    value: computes the cell where a path cannot; a plain CRD then shows `path`.
    """

    name: str
    path: str
    type: Literal["string", "integer", "date", "boolean", "number"] = "string"
    priority: int = 0
    description: str = ""
    value: Callable[[Object], Cell] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A type of resource. Compared and hashed by identity: there is one instance of each, in the table of `kinds`.

    model: the shape of the whole object below `metadata`; None leaves it free-form (core kinds).
    also: further groups under which the very same stored objects are shown.
    free_names: a name may be any path segment (RBAC), not only a DNS sub-domain.
    check: cross-field rules; normalise: rewrites accepted spellings into the stored one, in place.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    namespaced: bool
    description: str
    model: type[Model] | None = None
    status: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    also: tuple[GroupVersion, ...] = ()
    check: Check | None = None
    normalise: Callable[[Object], None] | None = None
    field_selectors: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    free_names: bool = False
    verbs: tuple[str, ...] = ALL_VERBS

    @property
    def api_version(self) -> str:
        return str(self.group_version)

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def has_generation(self) -> bool:
        """Whether `metadata.generation` counts the changes of the desired state."""
        return self.model is not None and not self.free_names

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def qualified(self) -> str:
        """`packetcaptures.projectcalico.org`; the key under which the objects are stored."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def __repr__(self) -> str:
        return f"<Kind {self.qualified}>"
