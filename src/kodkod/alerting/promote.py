"""Which of a row's values does the event carry itself, so that events can be filtered by endpoint? (1.10)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FLOWS = {
    key: key
    for key in (
        "source_ip", "source_port", "source_name", "source_name_aggr", "source_namespace",
        "dest_ip", "dest_port", "dest_name", "dest_name_aggr", "dest_namespace",
    )
}  # fmt: skip
# Row key → event field, in the order in which they are tried; the first that is there wins.
_FIELDS = {
    **_FLOWS,
    "host": "host",
    "host.keyword": "host",
    "proto": "protocol",
    "protocol": "protocol",
    "client_ip": "source_ip",
    "client_name": "source_name",
    "client_name_aggr": "source_name_aggr",
    "client_namespace": "source_namespace",
    "src_name_aggr": "source_name_aggr",
    "src_namespace": "source_namespace",
    "objectRef.namespace": "dest_namespace",
    "objectRef.name": "dest_name",
    "sourceIPs": "source_ip",
    "source.ip": "source_ip",
    "source.port_num": "source_port",
    "source.hostname": "source_name",
    "destination.ip": "dest_ip",
    "destination.port_num": "dest_port",
    "destination.hostname": "dest_name",
}
_PORTS = ("source_port", "dest_port")


def promoted(row: Mapping[str, Any]) -> dict[str, Any]:
    """The endpoint fields of an event whose record is this row. Arrays give their first element."""
    found: dict[str, Any] = {}
    for key, name in _FIELDS.items():
        value = _scalar(_at(row, key))
        if value is None or name in found:
            continue
        if name in _PORTS:
            found.update({name: int(value)} if isinstance(value, int | float) else {})
        else:
            found[name] = str(value)
    return found


def _at(row: Mapping[str, Any], key: str) -> Any:
    """A value by its key as written, or by walking its dots in a whole record."""
    if key in row:
        return row[key]
    value: Any = row
    for part in key.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, list):
        return _scalar(value[0]) if value else None
    return None if isinstance(value, Mapping) else value
