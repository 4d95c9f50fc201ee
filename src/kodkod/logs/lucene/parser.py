"""What tree does a query string make? Lucene's classic parser, with its way of reading AND and OR.

AND makes the clauses on both its sides required, OR leaves them optional, and an optional clause counts only where no
clause is required: `a OR b AND c` asks for b and c. That is what Elasticsearch does, and so do we. More lenient than
Lucene in two points: a colon may stand inside a value (times, IPv6), and a slash inside a word.
Source: Lucene's QueryParserBase.addClause; Elasticsearch reference, "query string syntax".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kodkod.logs.lucene.ast import Clause, Group, Named, Node, Occur, Phrase, Query, Span, Term
from kodkod.logs.query.ast import Pattern, Wildcard
from kodkod.logs.query.errors import QueryError

CHARS_MAX = 16_384
DEPTH_MAX = 50
CLAUSES_MAX = 1_024
"""As Lucene's own bound."""

_SPACE = re.compile(r"\s*")
_CONJUNCTION = re.compile(r"(AND|OR)(?=[\s(+\-!\"]|$)|&&|\|\|")
_NOT = re.compile(r"NOT(?=[\s(\"]|$)")
_BOOST = re.compile(r"\^[0-9]+(\.[0-9]+)?")
_COMPARISON = re.compile(r"[<>]=?")
_NAME = re.compile(r"(\*|(?:\\.|[^\s\\:()\[\]{}\"^~*?+!-]|(?<=\w)-)+):(?!//)")
_RANGE_WORD = re.compile(r"TO\s")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_END = frozenset(' \t\r\n()[]{}"^~')


def parse(text: str, *, default_and: bool = False) -> Query:
    """Raises QueryError with the place. default_and: two clauses without a word between are both required."""
    if len(text) > CHARS_MAX:
        raise QueryError(f"a query string may have {CHARS_MAX} characters", CHARS_MAX)
    reader = _Reader(text, default_and)
    group = reader.group(0)
    if reader.at < len(text):
        raise QueryError(f'unexpected "{text[reader.at]}"', reader.at, 'put a backslash before it, or quote it: "…"')
    return group


@dataclass(slots=True)
class _Reader:
    text: str
    default_and: bool
    at: int = 0
    clauses: int = 0
    _in_value: bool = field(default=False)

    def group(self, depth: int) -> Group:
        if depth > DEPTH_MAX:
            raise QueryError(f"brackets nest deeper than {DEPTH_MAX}", self.at)
        found: list[Clause] = []
        while not self._is_at_end():
            conjunction = self._conjunction(is_first=not found)
            modifier = self._modifier()
            if self._is_at_end():
                raise QueryError("a word or phrase expected", self.at)
            self._add(found, conjunction, modifier, self._node(depth))
        return Group(tuple(found))

    def _add(self, found: list[Clause], conjunction: str, modifier: Occur | None, node: Node) -> None:
        self.clauses += 1
        if self.clauses > CLAUSES_MAX:
            raise QueryError(f"more than {CLAUSES_MAX} clauses", self.at)
        if found and conjunction == "AND" and found[-1].occur is Occur.SHOULD:
            found[-1] = Clause(found[-1].node, Occur.MUST)
        if found and conjunction == "OR" and self.default_and and found[-1].occur is Occur.MUST:
            found[-1] = Clause(found[-1].node, Occur.SHOULD)
        is_needed = conjunction == "AND" or (self.default_and and conjunction != "OR")
        found.append(Clause(node, modifier or (Occur.MUST if is_needed else Occur.SHOULD)))

    def _is_at_end(self) -> bool:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]  # it matches the empty text too
        return self.at >= len(self.text) or self.text[self.at] == ")"

    def _conjunction(self, *, is_first: bool) -> str:
        match = _CONJUNCTION.match(self.text, self.at)
        if match is None:
            return ""
        if is_first:
            raise QueryError(f'"{match.group(0)}" has nothing before it', self.at, f'as a word, quote it: "{match[0]}"')
        self.at = match.end()
        self._is_at_end()
        return "AND" if match.group(0) in ("AND", "&&") else "OR"

    def _modifier(self) -> Occur | None:
        match = _NOT.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            self._is_at_end()
            return Occur.MUST_NOT
        sign = self.text[self.at : self.at + 1]
        if sign and sign in "+-!":
            self.at += 1
            return Occur.MUST if sign == "+" else Occur.MUST_NOT
        return None

    def _node(self, depth: int) -> Node:
        begin = self.at
        name = self._name()
        if name is None:
            return self._value(depth)
        self._is_at_end()
        was_in_value, self._in_value = self._in_value, True
        node = Named(name, self._value(depth), begin)
        self._in_value = was_in_value
        return node

    def _name(self) -> str | None:
        """A field's name where one stands before a colon; not in a group that has a name already."""
        if self._in_value:
            return None
        match = _NAME.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return re.sub(r"\\(.)", r"\1", match.group(1))

    def _value(self, depth: int) -> Node:
        begin, sign = self.at, self.text[self.at : self.at + 1]
        node: Node
        if sign == "(":
            node = self._bracketed(depth)
        elif sign == '"':
            node = Phrase(self._quoted(), begin)
        elif sign and sign in "[{":
            node = self._span()
        elif self._in_value and (match := _COMPARISON.match(self.text, begin)):
            node = self._compared(match.group(0), match.end())
        elif sign == "/":
            raise QueryError("regular expressions are not supported", begin, "use * and ?, or quote the text")
        else:
            node = Term(self._word(), begin)
        return self._ranked(node)

    def _bracketed(self, depth: int) -> Group:
        begin = self.at
        self.at += 1
        inner = self.group(depth + 1)
        if self.at >= len(self.text):
            raise QueryError('unbalanced bracket: ")" expected', self.at)
        if not inner.clauses:
            raise QueryError("nothing stands between the brackets", begin)
        self.at += 1
        return inner

    def _compared(self, sign: str, begin: int) -> Span:
        self.at = begin
        self._is_at_end()
        text = self._plain("a value after the comparison")
        is_closed = sign.endswith("=")
        if sign.startswith(">"):
            return Span(text, None, with_low=is_closed, offset=begin)
        return Span(None, text, with_high=is_closed, offset=begin)

    def _span(self) -> Span:
        begin = self.at
        with_low = self.text[begin] == "["
        self.at += 1
        self._is_at_end()
        low = self._plain("the lower end of the range")
        self._is_at_end()
        if not _RANGE_WORD.match(self.text, self.at):
            raise QueryError('"TO" expected in a range', self.at, "write [low TO high], with * for an open end")
        self.at += 2
        self._is_at_end()
        high = self._plain("the upper end of the range")
        self._is_at_end()
        closing = self.text[self.at : self.at + 1]
        if not closing or closing not in "]}":
            raise QueryError('"]" or "}" expected', self.at)
        self.at += 1
        return Span(
            None if low == "*" else low, None if high == "*" else high, with_low, closing == "]", offset=begin
        )  # fmt: skip

    def _plain(self, what: str) -> str:
        """A word or phrase as text; a star stands for itself."""
        if self.text[self.at : self.at + 1] == '"':
            return self._quoted()
        begin = self.at
        while self.at < len(self.text) and self.text[self.at] not in _END:
            self.at += 2 if self.text[self.at] == "\\" else 1
        if self.at == begin:
            raise QueryError(f"{what} expected", begin)
        return re.sub(r"\\(.)", r"\1", self.text[begin : self.at])

    def _quoted(self) -> str:
        match = _QUOTED.match(self.text, self.at)
        if match is None:
            raise QueryError("a quote that does not end", self.at, 'close it with "')
        self.at = match.end()
        return re.sub(r"\\(.)", r"\1", match.group(1), flags=re.DOTALL)

    def _word(self) -> Pattern:
        parts: list[str | Wildcard] = []
        begin = self.at
        while self.at < len(self.text) and self.text[self.at] not in _END:
            sign = self.text[self.at]
            if sign == ":" and not self._in_value:
                break
            if sign == "\\" and self.at + 1 < len(self.text):
                self.at += 1
                _append(parts, self.text[self.at])
            elif sign in "*?":
                parts.append(Wildcard(sign))
            else:
                _append(parts, sign)
            self.at += 1
        if self.at == begin:
            if begin >= len(self.text):
                raise QueryError("a value expected at the end", begin)
            sign = self.text[begin]
            raise QueryError(f'unexpected "{sign}"', begin, f'put a backslash before it: "\\{sign}", or quote the text')
        return Pattern(tuple(parts), begin)

    def _ranked(self, node: Node) -> Node:
        """A boost ranks hits and leaves which they are; fuzziness does not."""
        match = _BOOST.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        elif self.text[self.at : self.at + 1] == "~":
            raise QueryError("fuzzy words and distances are not supported", self.at, "use * and ?")
        return node


def _append(parts: list[str | Wildcard], character: str) -> None:
    if parts and isinstance(parts[-1], str):
        parts[-1] += character
    else:
        parts.append(character)
