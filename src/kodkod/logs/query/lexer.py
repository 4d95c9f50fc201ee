"""Which tokens does a query consist of? Everything a newcomer writes from another language gets a hint (3.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from kodkod.logs.query.errors import QueryError

QUERY_CHARS_MAX = 65_536


class TokenKind(Enum):
    IDENT = auto()
    STRING = auto()  # `text` is what stands between the quotes, escapes untouched
    NUMBER = auto()
    COMPARATOR = auto()
    VARIABLE = auto()
    OPEN = auto()
    CLOSE = auto()
    OPEN_SET = auto()
    CLOSE_SET = auto()
    COMMA = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    IN = auto()
    NOTIN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    offset: int

    @property
    def is_word(self) -> bool:
        """May stand as a key or value."""
        return self.kind in (TokenKind.IDENT, TokenKind.STRING, TokenKind.NUMBER)


KEYWORDS = {kind.name: kind for kind in (TokenKind.AND, TokenKind.OR, TokenKind.NOT, TokenKind.IN, TokenKind.NOTIN)}
_SIGNS = {
    "(": TokenKind.OPEN,
    ")": TokenKind.CLOSE,
    "{": TokenKind.OPEN_SET,
    "}": TokenKind.CLOSE_SET,
    ",": TokenKind.COMMA,
}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<ident>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?)
      | (?P<double>"(?P<in_double>(?:[^"\\]|\\.)*)")
      | (?P<single>'(?P<in_single>(?:[^'\\]|\\.)*)')
      | (?P<variable>\$\{(?P<name>[^{}]*)\})
      | (?P<comparator><=|>=|!=(?!=)|=(?![=~])|<(?!>)|>)
      | (?P<sign>[(){},])""",
    re.VERBOSE | re.DOTALL,
)
IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_FOREIGN = {
    "==": 'write "=" to compare',
    "&&": 'write "AND"',
    "||": 'write "OR"',
    "<>": 'write "!="',
    "=~": 'there are no regular expressions; write IN {"..."} with * and ?',
    "!": 'write "NOT" before the selector, or "!="',
}
_BARE = re.compile(r"[^\s(){},=<>\"'&|]+")  # what a word without quotes runs over


def tokens(text: str) -> list[Token]:
    """All tokens and END. QueryError names the first character that belongs to none."""
    if len(text) > QUERY_CHARS_MAX:
        raise QueryError(f"the query is longer than {QUERY_CHARS_MAX} characters", QUERY_CHARS_MAX)
    found: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _foreign(text, offset)
        if match.lastgroup != "space":
            found.append(_token(match, text))
        offset = match.end()
    return [*found, Token(TokenKind.END, "", len(text))]


def _token(match: re.Match[str], text: str) -> Token:
    offset = match.start()
    word: str | None = match["ident"]
    if word is not None:
        _ends_here(match, text)
        return Token(KEYWORDS.get(word.upper(), TokenKind.IDENT), word, offset)
    if match["number"] is not None:
        _ends_here(match, text)
        return Token(TokenKind.NUMBER, match["number"], offset)
    if match["variable"] is not None:
        if not match["name"]:
            raise QueryError("a substitution without a name", offset, "write ${name}")
        return Token(TokenKind.VARIABLE, match["name"], offset)
    if match["comparator"] is not None:
        return Token(TokenKind.COMPARATOR, match["comparator"], offset)
    if match["sign"] is not None:
        return Token(_SIGNS[match["sign"]], match["sign"], offset)
    quoted = "in_double" if match["double"] is not None else "in_single"
    return Token(TokenKind.STRING, match[quoted], offset)


def _ends_here(match: re.Match[str], text: str) -> None:
    """A bare word or number that runs on into other characters wanted quotes: `kube-system`, `10.0.0.1`, `22abc`."""
    run = _BARE.match(text, match.start())
    if run is None or run.end() <= match.end() or text[match.end()] in "!$":
        return
    quoted = run.group(0).replace("\\", "\\\\")
    raise QueryError(f'unexpected "{text[match.end()]}" after "{match.group(0)}"', match.end(), f'quote it: "{quoted}"')


def _foreign(text: str, offset: int) -> QueryError:
    rest = text[offset : offset + 2]
    if text[offset] in "\"'":
        return QueryError("a quote that does not end", offset, f"close it with {text[offset]}")
    for foreign, hint in _FOREIGN.items():
        if rest.startswith(foreign) or (foreign == "==" and rest.startswith("!=")):
            return QueryError(f'"{foreign}" is no operator', offset, hint)
    if text[offset] == "$":
        return QueryError("a substitution that does not end", offset, "write ${name}")
    run = _BARE.match(text, offset)
    advice = f'quote it: "{run.group(0)}"' if run else None
    return QueryError(f'unexpected "{text[offset]}"', offset, advice)
