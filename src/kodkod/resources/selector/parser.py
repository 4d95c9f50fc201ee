"""Which tree do the words of a selector make?

    or      = and { "||" and }
    and     = unary { "&&" unary }
    unary   = { "!" } primary            an even number of "!" cancels out
    primary = "(" or ")" | all() | global() | has(label) | label operator value

Recursive descent with a depth limit: brackets deeper than DEPTH_MAX are refused before the stack is in danger.
"""

from __future__ import annotations

from functools import lru_cache

from kodkod.resources.selector import nodes
from kodkod.resources.selector.lexer import SelectorError, Token, TokenKind, tokens
from kodkod.resources.selector.nodes import Selector

DEPTH_MAX = 64
"""Brackets within brackets; nobody writes more than a handful."""

__all__ = ["DEPTH_MAX", "SelectorError", "parse"]


@lru_cache(maxsize=512)
def parse(text: str) -> Selector:
    """The meaning of a selector; empty or blank text means all(). Raises SelectorError with the offset."""
    if not text.strip(" \t"):
        return nodes.All()
    parser = _Parser(text)
    selector = parser.disjunction(0)
    parser.take("end")
    return selector


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._current = next(self._tokens)

    def take(self, *kinds: TokenKind) -> Token:
        """The current word, which must be one of these."""
        token = self._current
        if token.kind not in kinds:
            raise SelectorError(f"expected {_listed(kinds)} but found {_shown(token)}", token.offset)
        if token.kind != "end":
            self._current = next(self._tokens)
        return token

    def _skip(self, kind: TokenKind) -> bool:
        if self._current.kind != kind:
            return False
        self.take(kind)
        return True

    def disjunction(self, depth: int) -> Selector:
        operands = [self._conjunction(depth)]
        while self._skip("||"):
            operands.append(self._conjunction(depth))
        return operands[0] if len(operands) == 1 else nodes.Or(tuple(operands))

    def _conjunction(self, depth: int) -> Selector:
        operands = [self._unary(depth)]
        while self._skip("&&"):
            operands.append(self._unary(depth))
        return operands[0] if len(operands) == 1 else nodes.And(tuple(operands))

    def _unary(self, depth: int) -> Selector:
        negated = False
        while self._skip("!"):
            negated = not negated
        operand = self._primary(depth)
        return nodes.Not(operand) if negated else operand

    def _primary(self, depth: int) -> Selector:
        token = self.take("(", "all", "global", "has", "label")
        match token.kind:
            case "(":
                return self._bracketed(token, depth)
            case "all" | "global":
                self.take(")")
                return nodes.All() if token.kind == "all" else nodes.Global()
            case "has":
                label = self.take("label").value
                self.take(")")
                return nodes.Has(label)
            case _:
                return self._comparison(token.value)

    def _bracketed(self, opening: Token, depth: int) -> Selector:
        if depth >= DEPTH_MAX:
            raise SelectorError(f"brackets are nested more than {DEPTH_MAX} deep", opening.offset)
        inner = self.disjunction(depth + 1)
        self.take(")")
        return inner

    def _comparison(self, label: str) -> Selector:
        operator = self.take("==", "!=", "in", "not in", "contains", "starts with", "ends with").kind
        match operator:
            case "==" | "!=":
                return nodes.Equals(label, self.take("string").value, negated=operator == "!=")
            case "in" | "not in":
                return nodes.In(label, self._set(), negated=operator == "not in")
            case "contains":
                return nodes.Contains(label, self.take("string").value)
            case "starts with":
                return nodes.StartsWith(label, self.take("string").value)
            case _:
                return nodes.EndsWith(label, self.take("string").value)

    def _set(self) -> frozenset[str]:
        self.take("{")
        values: list[str] = []
        while self._current.kind == "string":
            values.append(self.take("string").value)
            if not self._skip(","):
                break
        self.take("}")
        return frozenset(values)


def _listed(kinds: tuple[TokenKind, ...]) -> str:
    names = ["the end" if kind == "end" else kind if kind in ("label", "string") else repr(kind) for kind in kinds]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _shown(token: Token) -> str:
    match token.kind:
        case "end":
            return "the end"
        case "label" | "string":
            return f"{token.kind} {token.value[:40]!r}"
        case _:
            return repr(token.kind)
