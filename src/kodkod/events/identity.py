"""When are two events the same event? Ids that a replay, a restart or a second writer arrives at by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def dpi_id(
    *,
    namespace: str,
    name: str,
    time_ns: int,
    source_ip: str,
    source_port: int | None,
    dest_ip: str,
    dest_port: int | None,
    node: str,
    signature: tuple[int, int, int] | None = None,
) -> str:
    """The product's composed key, with `_gid:sid:rev` behind it so that two signatures on one packet are two events.

    name: of the DeepPacketInspection. signature: None is the strict mode, the product's key to the letter. Protocols
    without ports have empty segments.
    """
    ports = ["" if port is None else str(port) for port in (source_port, dest_port)]
    parts = [namespace, name, str(time_ns), source_ip, ports[0], dest_ip, ports[1], node]
    if signature is not None:
        parts.append(":".join(map(str, signature)))
    return "_".join(parts)


def alert_id(*, uid: str, window_start: float, row: Mapping[str, Any], number: int) -> str:
    """A digest of what an alert found: a run repeated after a crash begins where the first did and gives the same id.

    row: what identifies the result: its grouping values, or the whole record of an alert without groups.
    number: tells apart equal rows of one run.
    """
    return _digest([uid, round(window_start * 1000), sorted_items(row), number])[:32]


def fingerprint(*, uid: str, grouping: Mapping[str, Any]) -> str:
    """What makes events of one alert alike over time: the alert and its grouping values (alerts-and-logs 1.11)."""
    return _digest([uid, sorted_items(grouping)])


def sorted_items(row: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return sorted(row.items())


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()
