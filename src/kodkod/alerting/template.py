"""How does a summary become a sentence? `${name}` gives way to a grouping value or the metric; `$${` is `${`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kodkod.logs.datasets.fields import number_text

_PIECE = re.compile(r"\$\$\{|\$\{([^{}$]*)\}|\$\{")
ABSENT = "-"  # the logs' own placeholder


class TemplateError(Exception):
    """The author's move. offset: characters from the start of the text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} at column {offset + 1}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Template:
    pieces: tuple[str | Variable, ...]

    @property
    def variables(self) -> Iterator[Variable]:
        return (piece for piece in self.pieces if isinstance(piece, Variable))

    def render(self, values: Mapping[str, Any]) -> str:
        """Texts verbatim, whole numbers without decimals, null and absent values as a hyphen."""
        return "".join(piece if isinstance(piece, str) else text(values.get(piece.name)) for piece in self.pieces)


def parse(source: str) -> Template:
    """TemplateError for `${` that does not end and for `${}`."""
    pieces: list[str | Variable] = []
    at = 0
    for found in _PIECE.finditer(source):
        pieces.append(source[at : found.start()])
        at = found.end()
        if found.group(0) == "$${":
            pieces.append("${")
        elif found.group(1):
            pieces.append(Variable(found.group(1), found.start()))
        else:
            raise TemplateError(
                "a variable without a name" if found.group(1) == "" else "a variable that does not end", found.start()
            )
    pieces.append(source[at:])
    return Template(tuple(piece for piece in pieces if piece != ""))


def text(value: Any) -> str:
    if value is None:
        return ABSENT
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, list | tuple):
        return ", ".join(text(one) for one in value)
    return str(value)
