"""What does an alert of the engine tell a human? An event with both ends by name, the rule, and why it fired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodkod.endpoints.parties import UNKNOWN, Parties, Party
from kodkod.events import descriptions, identity, severity
from kodkod.events.event import Event
from kodkod.inspection.alert_line import fast_line
from kodkod.inspection.plan import Inspection

if TYPE_CHECKING:
    from kodkod._core import Alert

TYPE = "deep_packet_inspection"


def event_of(alert: Alert, inspection: Inspection, parties: Parties, node: str) -> Event:
    """The event that one inspection gets for one alert (spec 3.6). parties: names for addresses, cluster-wide."""
    source = parties.of(alert["src_ip"], seen_from=inspection.namespace)
    destination = parties.of(alert["dst_ip"], seen_from=inspection.namespace)
    rule = (alert["gid"], alert["sid"], alert["rev"])
    return Event(
        id=identity.dpi_id(
            namespace=inspection.namespace, name=inspection.name, time_ns=alert["ts_ns"], source_ip=alert["src_ip"],
            source_port=alert["src_port"], dest_ip=alert["dst_ip"], dest_port=alert["dst_port"], node=node,
            signature=None if inspection.is_strict else rule,
        ),
        time=alert["ts_ns"] // 1_000_000_000,
        type=TYPE,
        origin=f"dpi.{inspection.namespace}/{inspection.name}",
        name=descriptions.SIGNATURE_TRIGGERED,
        description=descriptions.of_signature(alert["msg"], gid=rule[0], sid=rule[1], rev=rule[2]),
        severity=severity.of_priority(alert["priority"], strict=inspection.is_strict),
        source_ip=alert["src_ip"],
        source_port=alert["src_port"],
        source_name=name_of(source),
        source_name_aggr=name_aggr_of(source),
        source_namespace=namespace_of(source),
        dest_ip=alert["dst_ip"],
        dest_port=alert["dst_port"],
        dest_name=name_of(destination),
        dest_name_aggr=name_aggr_of(destination),
        dest_namespace=namespace_of(destination),
        host=node,
        protocol=alert["proto"].lower(),
        attack_vector="Network",
        mitre_tactic=next(iter(said(alert, "mitre_tactic_name")), None),
        mitre_ids=tuple(said(alert, "mitre_technique_id")),
        record=record_of(alert),
    )  # fmt: skip


def record_of(alert: Alert) -> dict[str, object]:
    """The three fields of the product as text, and beside them what its text line hides."""
    return {
        "snort_signature_id": str(alert["sid"]),
        "snort_signature_revision": str(alert["rev"]),
        "snort_alert": fast_line(alert),
        "gid": alert["gid"],
        "message": alert["msg"],
        "class": alert["classtype"],
        "priority": alert["priority"],
        "app_proto": alert["app_proto"],
        "direction": alert["direction"],
        "community_id": alert["community_id"],
        "rule": alert["rule"],
        "references": list(alert["references"]),
        "why": [dict(step) for step in alert["why"]],
    }


def said(alert: Alert, key: str) -> list[str]:
    """What the rule's metadata says of a key, as authors write it: `mitre_tactic_name Initial_Access`."""
    pairs = (entry.partition(" ") for entry in alert["metadata"])
    return list(dict.fromkeys(value.strip().replace("_", " ") for name, _, value in pairs if name == key and value))


def name_of(party: Party) -> str | None:
    return party.name if party.type == "wep" else None


def name_aggr_of(party: Party) -> str | None:
    return None if party.name_aggr == UNKNOWN else party.name_aggr


def namespace_of(party: Party) -> str:
    return party.namespace
