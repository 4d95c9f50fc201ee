"""What is a data set: its fields, the other names they go by, its time, its owner and how long it is kept?"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from kodkod.logs.datasets.fields import PATH_SEPARATOR, Field, FieldClass

SUGGESTIONS_MAX = 3
OPEN_COLUMN = "_open"  # the column of everything below a data set's open parts


@dataclass(frozen=True, slots=True)
class Dataset:
    """A log table with a schema.

    aliases:    other keys that mean one field, or any of several (`policies`).
    open_parts: objects of unknown shape below which any path is a key (`requestObject`): equality on scalars only.
    time:       the field shown, searched by from/to and sorted by; alerts use the arrival time instead.
    key:        the field that identifies a record for ever: a second one with the same value is dropped.
    owners:     fields that hold the namespaces a record belongs to.
    index:      the product's index name without its star.
    has_data:   False for names that are accepted, but nothing writes.
    """

    name: str
    fields: tuple[Field, ...]
    time: str
    retention_days: int
    index: str
    owners: tuple[str, ...]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    open_parts: tuple[str, ...] = ()
    key: str | None = None
    has_data: bool = True
    _by_name: dict[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.name: one for one in self.fields})

    def field(self, name: str) -> Field:
        """A field by its own name; KeyError if there is none."""
        return self._by_name[name]

    def resolve(self, key: str) -> tuple[Field, ...]:
        """The fields a key of a query stands for: usually one, none if the key is unknown."""
        plain = key.removesuffix(".keyword")
        if plain in self._by_name:
            return (self._by_name[plain],)
        if plain in self.aliases:
            return tuple(self._by_name[name] for name in self.aliases[plain])
        return self._label(plain) or self._open(plain)

    def suggest(self, key: str) -> list[str]:
        """Up to three known keys that look like the given one, best first."""
        known = [*self._by_name, *self.aliases]
        close = difflib.get_close_matches(key.lower(), known, n=SUGGESTIONS_MAX, cutoff=0.6)
        return close or [name for name in known if key.lower() in name.lower()][:SUGGESTIONS_MAX]

    def _label(self, key: str) -> tuple[Field, ...]:
        """`client_labels.app`: the label `app` among the labels."""
        labels = [one for one in self.fields if one.kind is FieldClass.LABELS]
        for one in labels:
            for stem in (one.name, one.name.removesuffix(".labels")):
                if key.startswith(stem + ".") and len(key) > len(stem) + 1:
                    return (_part(one.column, key, key[len(stem) + 1 :] + "="),)
        return ()

    def _open(self, key: str) -> tuple[Field, ...]:
        if any(key.startswith(part + ".") and len(key) > len(part) + 1 for part in self.open_parts):
            return (_part(OPEN_COLUMN, key, key + PATH_SEPARATOR),)
        return ()


def _part(column: str, key: str, prefix: str) -> Field:
    return Field(key, FieldClass.KEYWORD, many=True, column=column, prefix=prefix)
