"""How is a query written canonically? `parse(write(tree)) == tree` for every tree that parse can make."""

from __future__ import annotations

from kodkod.logs.query.ast import And, Compare, Everything, Not, Or, Query, Variable, Within
from kodkod.logs.query.lexer import IDENT, KEYWORDS, NUMBER
from kodkod.logs.query.texts import quote, quote_pattern


def write(query: Query) -> str:
    """One line, keywords in capitals, quotes only where needed, brackets only where they change the meaning."""
    match query:
        case Everything():
            return ""
        case Compare(key, comparator, value):
            return f"{_key(key.name)} {comparator.value} {_value(value.text)}"
        case Within(key, members, negated):
            return f"{_key(key.name)} {'NOTIN' if negated else 'IN'} {_members(members)}"
        case Not(operand):
            return f"NOT {_bracketed(operand, And, Or)}"
        case And(operands):
            return " AND ".join(_bracketed(one, And, Or) for one in operands)
        case Or(operands):
            return " OR ".join(_bracketed(one, Or) for one in operands)


def _members(members: object) -> str:
    if isinstance(members, Variable):
        return f"${{{members.name}}}"
    assert isinstance(members, tuple)
    return "{" + ", ".join(quote_pattern(member) for member in members) + "}"


def _bracketed(query: Query, *kinds: type) -> str:
    text = write(query)
    return f"({text})" if isinstance(query, kinds) else text


def _key(name: str) -> str:
    return name if _is_bare(name) else quote(name)


def _value(text: str) -> str:
    return text if _is_bare(text) or NUMBER.fullmatch(text) else quote(text)


def _is_bare(text: str) -> bool:
    return IDENT.fullmatch(text) is not None and text.upper() not in KEYWORDS
