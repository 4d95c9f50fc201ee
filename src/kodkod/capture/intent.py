"""What does a PacketCapture ask for? Its object, read into values that cannot be half right.

Admission has refused most mistakes; where somebody else stores the objects (plain CRDs) bad values may still come, so
reading tolerates them: a filter rule that makes no sense is left out with a warning, and a capture that would then
record something else than asked (every rule bad, selector unreadable, times unreadable) carries a `fault` and does
not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from kodkod.resources import selector as selectors

PROTOCOLS = {"TCP": 6, "UDP": 17, "ICMP": 1, "ICMPv6": 58, "SCTP": 132, "UDPLite": 136}
_PORT_MAX = 65535


class Phase(Enum):
    """Where `now` lies relative to a capture's window."""

    BEFORE = "before"
    OPEN = "open"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Window:
    """Half open: start <= now < end. None is unbounded. Times are aware UTC."""

    start: datetime | None = None
    end: datetime | None = None

    def phase(self, now: datetime) -> Phase:
        if self.start is not None and self.end is not None and self.end <= self.start:
            return Phase.AFTER  # never opens; admission refuses it, a plain CRD store may not
        if self.end is not None and now >= self.end:
            return Phase.AFTER
        if self.start is not None and now < self.start:
            return Phase.BEFORE
        return Phase.OPEN

    def next_edge(self, now: datetime) -> datetime | None:
        """When the phase changes next, if ever."""
        return min((edge for edge in (self.start, self.end) if edge is not None and edge > now), default=None)


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule: IP protocol number and inclusive port ranges; None and () take everything."""

    protocol: int | None = None
    ports: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something cannot run: one word for programs, a sentence for people."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Capture:
    """One PacketCapture as this node understands it. `filters`: OR-ed; () takes every packet."""

    uid: str
    namespace: str
    name: str
    generation: int
    selector: selectors.Selector
    filters: tuple[Filter, ...] = ()
    window: Window = Window()
    warnings: tuple[str, ...] = ()
    fault: Fault | None = None


def read(obj: Mapping[str, Any]) -> Capture:
    """The intent of a PacketCapture object. Never raises for what a user wrote; see `Capture.fault`."""
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    faults: list[Fault] = []
    warnings: list[str] = []
    capture_filters = _read_filters(spec.get("filters"), warnings)
    if spec.get("filters") and not capture_filters:
        faults.append(Fault("InvalidFilter", "no filter rule is usable: " + "; ".join(warnings)))
    return Capture(
        uid=str(metadata.get("uid") or f"{metadata.get('namespace')}/{metadata['name']}"),
        namespace=metadata.get("namespace", "default"),
        name=metadata["name"],
        generation=int(metadata.get("generation") or 0),
        selector=_read_selector(spec.get("selector"), faults),
        filters=capture_filters,
        window=Window(_read_time(spec, "startTime", faults), _read_time(spec, "endTime", faults)),
        warnings=tuple(warnings),
        fault=faults[0] if faults else None,
    )


def _read_selector(text: object, faults: list[Fault]) -> selectors.Selector:
    try:
        return selectors.parse(str(text or ""))
    except selectors.SelectorError as error:
        faults.append(Fault("InvalidSelector", f"spec.selector: {error}"))
        return selectors.parse("")


def _read_time(spec: Mapping[str, Any], field: str, faults: list[Fault]) -> datetime | None:
    text = spec.get(field)
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        faults.append(Fault("InvalidTime", f"spec.{field}: {text!r} is not an RFC 3339 time"))
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_filters(rules: object, warnings: list[str]) -> tuple[Filter, ...]:
    """Usable rules; {} is one, and takes everything."""
    read_rules = []
    for at, rule in enumerate(rules if isinstance(rules, list) else []):
        try:
            read_rules.append(_read_filter(rule))
        except ValueError as error:
            warnings.append(f"spec.filters[{at}] is ignored: {error}")
    return tuple(read_rules)


def _read_filter(rule: object) -> Filter:
    if not isinstance(rule, Mapping):
        raise ValueError("a rule is an object")
    protocol = rule.get("protocol")
    ports = tuple(_read_ports(port) for port in rule.get("ports") or ())
    return Filter(None if protocol is None else _read_protocol(protocol), ports)


def _read_protocol(value: object) -> int:
    if isinstance(value, str) and value in PROTOCOLS:
        return PROTOCOLS[value]
    number = _number(value)
    if number is None or not 1 <= number <= 255:
        raise ValueError(f"protocol {value!r} is neither one of {', '.join(PROTOCOLS)} nor a number from 1 to 255")
    return number


def _read_ports(value: object) -> tuple[int, int]:
    low_text, colon, high_text = value.partition(":") if isinstance(value, str) else (value, "", value)
    low = _number(low_text)
    high = _number(high_text) if colon else low
    if low is None or high is None or not 1 <= low <= high <= _PORT_MAX:
        raise ValueError(f"port {value!r} is neither a number from 1 to {_PORT_MAX} nor a range min:max")
    return low, high


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5 else None
