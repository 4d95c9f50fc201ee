"""What tree does a query's text make? Recursive descent over alerts-and-logs 3.1, bounded before it starts.

Bounds: QUERY_CHARS_MAX characters, DEPTH_MAX brackets and NOTs inside one another, TERMS_MAX selectors and set
members. Each is refused with its place, so no text can exhaust the stack of a reader further down.
"""

from __future__ import annotations

from kodkod.logs.query.ast import (
    And,
    Comparator,
    Compare,
    Everything,
    Key,
    Not,
    Or,
    Pattern,
    Query,
    Value,
    Variable,
    Within,
)
from kodkod.logs.query.errors import QueryError
from kodkod.logs.query.lexer import Token, TokenKind, tokens
from kodkod.logs.query.texts import pattern_of, unescape

DEPTH_MAX = 100
TERMS_MAX = 10_000

_AFTER_KEY = 'a comparator (=, !=, <, <=, >, >=), "IN" or "NOTIN"'


def parse(text: str) -> Query:
    """Read a query; QueryError with the offset of what cannot be read. An empty text matches everything."""
    return _Parser(tokens(text)).query()


class _Parser:
    """One pass over one text's tokens."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._terms = 0

    def query(self) -> Query:
        if self._now().kind is TokenKind.END:
            return Everything()
        tree = self._or()
        if self._now().kind is TokenKind.CLOSE:
            raise QueryError('unbalanced bracket: ")" without "("', self._now().offset)
        if self._now().kind is not TokenKind.END:
            raise self._unexpected('"AND" or "OR"')
        return tree

    def _now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._now()
        self._at += 1
        return token

    def _accept(self, kind: TokenKind) -> bool:
        if self._now().kind is kind:
            self._at += 1
            return True
        return False

    def _or(self) -> Query:
        operands = [self._and()]
        while self._accept(TokenKind.OR):
            operands.append(self._and())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _and(self) -> Query:
        operands = [self._not()]
        while self._accept(TokenKind.AND):
            operands.append(self._not())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _not(self) -> Query:
        if self._now().kind is not TokenKind.NOT:
            return self._primary()
        self._descend(self._take())
        tree = Not(self._not())
        self._depth -= 1
        return tree

    def _primary(self) -> Query:
        if self._now().kind is not TokenKind.OPEN:
            return self._selector()
        opening = self._take()
        self._descend(opening)
        tree = self._or()
        self._depth -= 1
        if not self._accept(TokenKind.CLOSE):
            if self._now().kind is TokenKind.END:
                raise QueryError('unbalanced bracket: ")" expected', self._now().offset)
            raise self._unexpected('"AND", "OR" or ")"')
        return tree

    def _descend(self, token: Token) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise QueryError(f"brackets and NOTs nest deeper than {DEPTH_MAX}", token.offset)

    def _selector(self) -> Query:
        key = self._key()
        token = self._take()
        if token.kind is TokenKind.COMPARATOR:
            return Compare(key, Comparator(token.text), self._value())
        if token.kind in (TokenKind.IN, TokenKind.NOTIN):
            return Within(key, self._members(), negated=token.kind is TokenKind.NOTIN)
        self._at -= 1
        raise self._unexpected(f'{_AFTER_KEY} after "{key.name}"')

    def _key(self) -> Key:
        token = self._take()
        self._count(token)
        if token.kind is TokenKind.IDENT:
            return Key(token.text, token.offset)
        if token.kind is TokenKind.STRING:
            return Key(unescape(token.text), token.offset)
        self._at -= 1
        raise self._unexpected("a field name")

    def _value(self) -> Value:
        token = self._take()
        if token.is_word:
            return Value(unescape(token.text) if token.kind is TokenKind.STRING else token.text, token.offset)
        self._at -= 1
        if token.kind is TokenKind.VARIABLE:
            raise QueryError("a substitution can stand only right of IN or NOTIN", token.offset)
        if token.text and token.text.isalpha():
            raise QueryError(f'"{token.text}" is a keyword', token.offset, f'as a value, quote it: "{token.text}"')
        raise self._unexpected("a value")

    def _members(self) -> Variable | tuple[Pattern, ...]:
        token = self._take()
        if token.kind is TokenKind.VARIABLE:
            return Variable(token.text, token.offset)
        if token.kind is not TokenKind.OPEN_SET:
            raise QueryError("a set is expected after IN or NOTIN", token.offset, 'write {"a", "b"} or ${name}')
        if self._now().kind is TokenKind.CLOSE_SET:
            raise QueryError("an empty set", token.offset, "name at least one value")
        members = [self._member()]
        while self._accept(TokenKind.COMMA):
            members.append(self._member())
        if not self._accept(TokenKind.CLOSE_SET):
            raise self._unexpected('"," or "}"')
        return tuple(members)

    def _member(self) -> Pattern:
        token = self._take()
        self._count(token)
        if token.is_word:
            return pattern_of(token.text, token.offset)
        self._at -= 1
        raise self._unexpected("a value")

    def _count(self, token: Token) -> None:
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise QueryError(f"more than {TERMS_MAX} selectors and set members", token.offset)

    def _unexpected(self, wanted: str) -> QueryError:
        token = self._now()
        if token.kind is TokenKind.END:
            return QueryError(f"{wanted} expected at the end", token.offset)
        return QueryError(f'{wanted} expected, not "{token.text}"', token.offset)
