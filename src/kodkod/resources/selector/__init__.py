"""Which workload endpoints does an author mean? Calico's selector language: text → AST → meaning in memory.

parse("app == 'web' && has(tier)").matches({"app": "web", "tier": "x"})  -> True
str(parse(" (all() )"))                                                    -> "all()"
"""

from __future__ import annotations

from collections.abc import Iterator

from kodkod.resources.findings import Cause, invalid
from kodkod.resources.selector.lexer import SELECTOR_TEXT_MAX
from kodkod.resources.selector.nodes import Selector
from kodkod.resources.selector.parser import DEPTH_MAX, SelectorError, parse

__all__ = ["DEPTH_MAX", "SELECTOR_TEXT_MAX", "Selector", "SelectorError", "parse", "selector_causes"]


def selector_causes(field: str, text: str) -> Iterator[Cause]:
    """What is wrong with a selector that stands in an object's field; nothing if it parses."""
    try:
        parse(text)
    except SelectorError as error:
        yield invalid(field, text[:200], str(error))
