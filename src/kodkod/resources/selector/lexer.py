"""Where does one word of a selector end and the next begin?

Whitespace is space and tab only. The words of operators (`in`, `not in`, `contains`, `starts with`, `ends with`) are
operators only directly after a label, so that a label may be called `in`; `has(`, `all(`, `global(` are recognised
only with the bracket attached. Hence the lexer looks at the token before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

SELECTOR_TEXT_MAX = 65_536
"""Longest selector, in characters: far above any written by hand, far below what would cost a second to read."""

LABEL_MAX = 512
"""Longest label name, in bytes, as in Calico."""

TokenKind = Literal[
    "label", "string", "has", "all", "global", "(", ")", "{", "}", ",", "==", "!=", "!", "&&", "||",
    "in", "not in", "contains", "starts with", "ends with", "end",
]  # fmt: skip

_SPACE = re.compile(r"[ \t]*")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_./-]+")
_STRING = re.compile(r'"([^"]*)"|\'([^\']*)\'')
_PUNCTUATION = re.compile(r"==|!=|&&|\|\||[(){},!]")
_CALL = re.compile(r"(has|all|global)\(")
_OPERATOR = re.compile(r"(not[ \t]*in|starts[ \t]*with|ends[ \t]*with|contains|in)(?![A-Za-z0-9_./-])")
_OPERATOR_NAMES: dict[str, TokenKind] = {
    "in": "in", "notin": "not in", "contains": "contains", "startswith": "starts with", "endswith": "ends with",
}  # fmt: skip
_CALLS: dict[str, TokenKind] = {"has": "has", "all": "all", "global": "global"}


class SelectorError(ValueError):
    """The author's text does not mean anything; offset: where, in characters from the start."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} at offset {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Token:
    """value: the label's name or the string's content; offset: of its first character."""

    kind: TokenKind
    value: str
    offset: int


def tokens(text: str) -> Iterator[Token]:
    """The words of a selector, `end` last. Raises SelectorError at the first character that begins none."""
    if len(text) > SELECTOR_TEXT_MAX:
        raise SelectorError(f"selector is longer than {SELECTOR_TEXT_MAX} characters", SELECTOR_TEXT_MAX)
    position, after_label = 0, False
    while True:
        position = _end_of_space(text, position)
        if position == len(text):
            yield Token("end", "", position)
            return
        token, position = _next(text, position, after_label)
        after_label = token.kind == "label"
        yield token


def _end_of_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _next(text: str, at: int, after_label: bool) -> tuple[Token, int]:
    if match := _PUNCTUATION.match(text, at):
        symbol: TokenKind = match.group()  # type: ignore[assignment]  # the pattern lists only token kinds
        return Token(symbol, "", at), match.end()
    if match := _STRING.match(text, at):
        return Token("string", match.group(1) if match.group(1) is not None else match.group(2), at), match.end()
    if after_label and (match := _OPERATOR.match(text, at)):
        return Token(_OPERATOR_NAMES[re.sub(r"[ \t]", "", match.group())], "", at), match.end()
    if match := _CALL.match(text, at):
        return Token(_CALLS[match.group(1)], "", at), match.end()
    if match := _IDENTIFIER.match(text, at):
        if match.end() - at > LABEL_MAX:
            raise SelectorError(f"label is longer than {LABEL_MAX} bytes", at)
        return Token("label", match.group(), at), match.end()
    raise SelectorError(_reason(text[at]), at)


def _reason(character: str) -> str:
    if character in "\"'":
        return "string has no closing quote"
    if character in "=&|":
        return f"a lone {character!r} means nothing, write {character * 2!r}"
    return f"unexpected character {character!r}"
