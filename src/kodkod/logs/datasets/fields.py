"""What is a field: its name, its class, and how its value is spelled once it is read?

Every consumer of a query (memory, DuckDB) and every store sees only *normal* values made here: text, or float for
numbers and dates. That is what makes one query mean the same everywhere. Rules: alerts-and-logs 3.5, 3.6.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

Normal = str | float
Record = Mapping[str, Any]

MAPPED = "00000000000000000000ffff"  # before the digits of an IPv4 address

LEAVES_MAX = 2_000  # scalars kept from one record's open parts (audit bodies); the rest cannot be asked for
LEAF_CHARS_MAX = 256  # longer texts in open parts are not worth an equality test
PATH_SEPARATOR = "\x1f"  # between path and value in an open part; stands in no JSON key we know of


class FieldClass(Enum):
    """Decides which values and operators a field takes."""

    KEYWORD = "keyword"
    ENUM = "enum"
    NUMBER = "long"
    NUMBER_TEXT = "numeric keyword"  # text that orders as a number where it is one: response_code
    IP = "ip"
    DATE = "date"
    DOMAIN = "domain"
    LABELS = "labels"

    __hash__ = object.__hash__  # the members are singletons; Enum's own hash costs as much as reading a value

    @property
    def is_float(self) -> bool:
        return self in (FieldClass.NUMBER, FieldClass.DATE)

    @property
    def has_order(self) -> bool:
        return self in (FieldClass.NUMBER, FieldClass.DATE, FieldClass.NUMBER_TEXT)


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a data set.

    many:   a record may hold several values (an array, or reached through an array of objects).
    values: an enum's spellings; `closed` says that no other exists.
    column: where stores keep it. Several keys may share one (`client_labels.app`): then `prefix` is what their values
            start with there.
    """

    name: str
    kind: FieldClass = FieldClass.KEYWORD
    many: bool = False
    values: tuple[str, ...] = ()
    closed: bool = False
    column: str = ""
    prefix: str = ""
    doc: str = ""
    path: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "column", self.column or self.name)
        object.__setattr__(self, "path", self.path or tuple(self.name.split(".")))

    @property
    def has_one_number(self) -> bool:
        return self.kind.is_float and not self.many


def words(text: str) -> tuple[str, ...]:
    """A table of names written as a line of text."""
    return tuple(text.split())


def leaves(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """Every scalar found by walking `path`; arrays on the way are walked element by element."""
    if isinstance(value, list):
        for element in value:
            yield from leaves(element, path)
    elif not path:
        yield value
    elif isinstance(value, Mapping) and path[0] in value:
        yield from leaves(value[path[0]], path[1:])


def values_of(target: Field, record: Record) -> tuple[Normal, ...]:
    """A record's normal values for a field, in order; absent, null and unreadable ones are left out."""
    if len(target.path) == 1:
        found = record.get(target.path[0])
        if found is None:
            return ()
        if not isinstance(found, (list, dict)):
            normal = normalise(target, found)
            return () if normal is None else (normal,)
    elif target.name in record:  # rows of alerts carry dotted names as they are
        found = record[target.name]
    else:
        found = list(leaves(record, target.path))
    if target.kind is FieldClass.LABELS:
        found = list(_label_texts(found))
    elements = leaves(found, ())
    normals = (normalise(target, element) for element in elements if element is not None)
    return tuple(normal for normal in normals if normal is not None)


def normalise(target: Field, value: Any) -> Normal | None:
    """The one spelling by which equal values are equal; None if the value is none of this field's class."""
    return _NORMALISE[target.kind](target, value)


def flatten(record: Record, parts: tuple[str, ...]) -> list[str]:
    """The scalars of a record's open parts as `path␟value`, at most LEAVES_MAX, long texts left out."""
    found: list[str] = []
    for part in parts:
        if part in record:
            _flatten(record[part], part, found)
    return found


def _flatten(value: Any, path: str, found: list[str]) -> None:
    if len(found) >= LEAVES_MAX or value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _flatten(inner, f"{path}.{key}", found)
    elif isinstance(value, list):
        for inner in value:
            _flatten(inner, path, found)
    else:
        text = scalar_text(value)
        if text is not None and len(text) <= LEAF_CHARS_MAX:
            found.append(f"{path}{PATH_SEPARATOR}{text}")


def scalar_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number_text(value)
    return None


def number_text(value: float) -> str:
    """Integral numbers without decimals, others in their shortest round-trip form."""
    return str(int(value)) if value.is_integer() else repr(value)


def shown(target: Field, normal: Normal | None) -> Any:
    """A normal value as people and rows see it: addresses as text, whole numbers as integers."""
    if normal is None:
        return None
    if isinstance(normal, float):
        return int(normal) if normal.is_integer() else normal
    if target.kind is FieldClass.IP:
        return address_text(normal)
    return normal


# --- addresses ------------------------------------------------------------------------------------------------------
def address_key(text: str) -> str | None:
    """32 hex digits that sort as addresses do; IPv4 in its mapped form, so that both families share one order."""
    try:
        # A twentieth of the time of the module below, and as strict: nearly every address of a flow is one of these.
        return MAPPED + socket.inet_pton(socket.AF_INET, text).hex()
    except (OSError, ValueError):
        pass
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return f"{_as_v6(address):032x}"


def address_range(text: str) -> tuple[str, str] | None:
    """First and last key of an address or CIDR; None if it is neither."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return f"{_as_v6(network.network_address):032x}", f"{_as_v6(network.broadcast_address):032x}"


def address_text(key: str) -> str:
    address = ipaddress.IPv6Address(int(key, 16))
    return str(address.ipv4_mapped or address)


def _as_v6(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    return int(address) | (0xFFFF << 32) if address.version == 4 else int(address)


# --- dates ----------------------------------------------------------------------------------------------------------
def seconds_of(value: Any) -> float | None:
    """Unix seconds of a number or an RFC 3339 text, `YYYY-MM-DD` or `YYYY-MM-DD hh:mm:ss` (UTC)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _finite(float(value))
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(_six_decimals(value))
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.timestamp()


def _six_decimals(text: str) -> str:
    """Nanoseconds are common in audit and WAF logs; datetime reads six decimals."""
    return _DECIMALS.sub(lambda found: found.group(0)[:7], text)


_DECIMALS = re.compile(r"\.\d{7,}")


# --- domains --------------------------------------------------------------------------------------------------------
def domain_text(text: str) -> str:
    """Lower case, punycode, without the root's dot."""
    name = text[:-1] if text.endswith(".") else text
    if name.isascii():
        return name.lower()
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return name.lower()


# --- classes --------------------------------------------------------------------------------------------------------
def _keyword(_target: Field, value: Any) -> Normal | None:
    return scalar_text(value)


def _enum(target: Field, value: Any) -> Normal | None:
    text = scalar_text(value)
    return None if text is None else spelling(target, text) or text


def spelling(target: Field, text: str) -> str | None:
    """The listed spelling of an enum's value, found without regard to case; None if it is not listed."""
    wanted = text.casefold()
    return next((value for value in target.values if value.casefold() == wanted), None)


def _number(_target: Field, value: Any) -> Normal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _finite(value)
    return number_of(value) if isinstance(value, str) else None


def number_of(text: str) -> float | None:
    return _finite(float(text)) if _NUMBER.fullmatch(text) else None


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None


NUMBER_PATTERN = r"-?[0-9]{1,300}(\.[0-9]{1,300})?"
_NUMBER = re.compile(NUMBER_PATTERN)


def _ip(_target: Field, value: Any) -> Normal | None:
    return address_key(value) if isinstance(value, str) else None


def _date(_target: Field, value: Any) -> Normal | None:
    return seconds_of(value)


def _domain(_target: Field, value: Any) -> Normal | None:
    return domain_text(value) if isinstance(value, str) else None


def _labels(_target: Field, value: Any) -> Normal | None:
    return value if isinstance(value, str) and value != "-" else None


def _label_texts(value: Any) -> Iterator[str]:
    """Labels come as ["k=v"], {"labels": ["k=v"]} or {"k": "v"}; a lone hyphen means aggregated away."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _label_texts(element)
    elif isinstance(value, Mapping):
        inner = value.get("labels")
        if isinstance(inner, list):
            yield from _label_texts(inner)
        else:
            yield from (f"{key}={text}" for key, text in value.items() if isinstance(text, str))


_NORMALISE: dict[FieldClass, Callable[[Field, Any], Normal | None]] = {
    FieldClass.KEYWORD: _keyword,
    FieldClass.NUMBER_TEXT: _keyword,
    FieldClass.ENUM: _enum,
    FieldClass.NUMBER: _number,
    FieldClass.IP: _ip,
    FieldClass.DATE: _date,
    FieldClass.DOMAIN: _domain,
    FieldClass.LABELS: _labels,
}
