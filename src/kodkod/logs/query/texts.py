"""How are texts and wildcards spelled in a query? Escapes there and back, and the pattern as a regular expression.

Inside quotes `\\"`, `\\'` and `\\\\` stand for the character; in a set also `\\*` and `\\?`. A backslash before
anything else is itself, so that Windows paths read as they look.
"""

from __future__ import annotations

from kodkod.logs.query.ast import Pattern, Wildcard

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ -")


def unescape(inside: str) -> str:
    """The text meant by what stands between quotes."""
    return "".join(character for character, _ in _characters(inside, "\"'\\"))


def pattern_of(inside: str, offset: int = 0) -> Pattern:
    """The pattern meant by a set member or a substitution's value."""
    parts: list[str | Wildcard] = []
    for character, escaped in _characters(inside, "\"'\\*?"):
        if character in "*?" and not escaped:
            if not (character == "*" and parts and parts[-1] is Wildcard.MANY):
                parts.append(Wildcard(character))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += character
        else:
            parts.append(character)
    return Pattern(tuple(parts), offset)


def _characters(inside: str, escapable: str) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    at = 0
    while at < len(inside):
        escaped = inside[at] == "\\" and at + 1 < len(inside) and inside[at + 1] in escapable
        at += escaped
        found.append((inside[at], escaped))
        at += 1
    return found


def quote(text: str) -> str:
    """A text between double quotes that `unescape` reads back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_pattern(pattern: Pattern) -> str:
    """A set member that `pattern_of` reads back."""
    return '"' + "".join(_spelled(part) for part in pattern.parts) + '"'


def _spelled(part: str | Wildcard) -> str:
    if isinstance(part, Wildcard):
        return part.value
    return "".join("\\" + character if character in '\\"*?' else character for character in part)


def regular_expression(pattern: Pattern) -> str:
    """The same for a whole-value match, in the words that Python's `re` and RE2 share."""
    return "(?s)" + "".join(_expression(part) for part in pattern.parts)


def phrase_expression(words: tuple[Pattern, ...], *, prefix: str = "", after: str = "") -> str:
    """Words one after another somewhere in a value, whatever their case, behind a prefix or the first of a mark."""
    spelled = "[^0-9A-Za-z_]+".join("".join(_in_word(part) for part in word.parts) for word in words)
    lead = f"[^{_literal(after)}]*{_literal(after)}" if after else _in_word(prefix)
    return f"(?is){lead}(?:.*[^0-9A-Za-z_])?{spelled}(?:[^0-9A-Za-z_].*)?"


def _in_word(part: str | Wildcard) -> str:
    if part is Wildcard.MANY:
        return "[0-9A-Za-z_]*"
    if part is Wildcard.ONE:
        return "[0-9A-Za-z_]"
    return "".join(_literal(character) for character in str(part))


def _expression(part: str | Wildcard) -> str:
    if part is Wildcard.MANY:
        return ".*"
    if part is Wildcard.ONE:
        return "."
    return "".join(_literal(character) for character in str(part))


def _literal(character: str) -> str:
    if character in _PLAIN or not character.isascii():
        return character
    return f"\\x{ord(character):02x}"
