"""Which events does this question show? Hides the dismissed and the excepted, and answers `dismissed = true` itself.

The log knows nothing of triage, so a test on the field `dismissed` becomes one on the ids of dismissed events.
"""

from __future__ import annotations

from collections.abc import Iterable

from kodkod.events.exceptions import Exemption
from kodkod.logs.datasets import EVENTS
from kodkod.logs.query import AllOf, AnyOf, Bound, HasText, Opposite

_ID = EVENTS.field("id")
_DISMISSED = EVENTS.field("dismissed")


def visible(
    query: Bound,
    *,
    dismissed: frozenset[str],
    exemptions: Iterable[Exemption],
    include_dismissed: bool,
    include_excepted: bool,
) -> Bound:
    """The query, narrowed to what should be seen."""
    parts = [_with_triage(query, dismissed)]
    if not include_dismissed and dismissed:
        parts.append(Opposite(_among(dismissed)))
    if not include_excepted:
        parts.extend(Opposite(_with_triage(one.hides, dismissed)) for one in exemptions)
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _with_triage(query: Bound, dismissed: frozenset[str]) -> Bound:
    match query:
        case AllOf(operands):
            return AllOf(tuple(_with_triage(one, dismissed) for one in operands))
        case AnyOf(operands):
            return AnyOf(tuple(_with_triage(one, dismissed) for one in operands))
        case Opposite(operand):
            return Opposite(_with_triage(operand, dismissed))
        case HasText(column, texts) if column == _DISMISSED:
            is_dismissed = _among(dismissed)
            wanted: list[Bound] = [is_dismissed] if "true" in texts else []
            return AnyOf((*wanted, *([Opposite(is_dismissed)] if "false" in texts else [])))
    return query


def _among(ids: frozenset[str]) -> Bound:
    return HasText(_ID, tuple(sorted(ids))) if ids else AnyOf(())
