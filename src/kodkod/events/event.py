"""What is an event: the record that a human sees? (alerts-and-logs 5.2)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kodkod.events.severity import bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Immutable once written; what people do to it (dismiss) is kept beside it.

    id:       identifies it for ever: the same cause written twice has the same id (`identity`).
    time:     unix seconds, when it happened. generated_time: when we made it, where that differs.
    severity: 0 to 100. origin: `dpi.<ns>/<name>`, an alert's or feed's name; always set, as is type.
    record:   producer-specific; of an alert the row that met its condition.
    None and empty fields are left out of what is stored.
    """

    id: str
    time: int
    type: str
    origin: str
    description: str
    severity: int
    name: str | None = None
    source_ip: str | None = None
    source_port: int | None = None
    source_name: str | None = None
    source_name_aggr: str | None = None
    source_namespace: str | None = None
    dest_ip: str | None = None
    dest_port: int | None = None
    dest_name: str | None = None
    dest_name_aggr: str | None = None
    dest_namespace: str | None = None
    host: str | None = None
    protocol: str | None = None
    attack_vector: str | None = None
    mitre_tactic: str | None = None
    mitre_ids: tuple[str, ...] = ()
    mitigations: tuple[str, ...] = ()
    fingerprint: str | None = None
    generated_time: int | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """As it is stored and served, with the severity's word beside its number."""
        found: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        kept = {name: value for name, value in found.items() if value not in (None, ())}
        for name in ("mitre_ids", "mitigations"):
            if name in kept:
                kept[name] = list(kept[name])
        return {**kept, "record": dict(self.record), "severity_label": bucket(self.severity).value}
