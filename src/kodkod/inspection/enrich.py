"""How does an engine alert become an event? Names, severity, the alert line, an id that a replay repeats.

Pure: names come from a `Parties` over the whole cluster, times from the alert. Fields are those of the product's
record, and beside the three it keeps as text the structured ones: rule, class, priority, why, flow.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kodkod.endpoints.parties import UNKNOWN, Parties
from kodkod.inspection.plan import Inspection

if TYPE_CHECKING:
    from kodkod._core import Alert

TYPE = "deep_packet_inspection"
NAME = "Signature Triggered Alert"
SEVERITIES: Mapping[int, int] = {1: 100, 2: 80, 3: 60, 4: 40}
SEVERITY_LOWEST = 40
RULE_TEXT_MAX = 8192

_PORTLESS = frozenset({"ICMP", "ICMPV6", "ICMP6", "IP"})
_TECHNIQUE = re.compile(r"\bT\d{4}(?:\.\d{3})?\b")


def event(alert: Alert, inspection: Inspection, parties: Parties, *, node: str, strict: bool = False) -> dict[str, Any]:
    """The event of one alert for one inspection.

    strict: the product's own `_id`, under which two signatures of one packet collide; and its constant severity.
    """
    source = parties.of(alert["src_ip"], seen_from=inspection.namespace)
    dest = parties.of(alert["dst_ip"], seen_from=inspection.namespace)
    record: dict[str, Any] = {
        "snort_signature_id": str(alert["sid"]),
        "snort_signature_revision": str(alert["rev"]),
        "snort_alert": alert_line(alert),
        "gid": alert["gid"],
        "sid": alert["sid"],
        "rev": alert["rev"],
        "message": alert["msg"],
        "classtype": alert["classtype"],
        "class": alert["class_text"],
        "priority": alert["priority"],
        "action": alert["action"],
        "rule": alert["rule"][:RULE_TEXT_MAX],
        "references": alert["references"],
        "metadata": alert["metadata"],
        "why": alert["why"],
        "app_proto": alert["app_proto"],
        "direction": alert["direction"],
        "flow_id": alert["flow_id"],
        "community_id": alert["community_id"],
        "vlan": alert["vlan"],
        "time_ns": str(alert["ts_ns"]),
    }
    identity = event_id(alert, inspection, node=node, strict=strict)
    found: dict[str, Any] = {
        "_id": identity,
        "id": identity,
        "time": alert["ts_ns"] // 1_000_000_000,
        "type": TYPE,
        "origin": f"dpi.{inspection.namespace}/{inspection.name}",
        "name": NAME,
        "description": f"{NAME}: {alert['msg']} ({alert['gid']}:{alert['sid']}:{alert['rev']})",
        "severity": 100 if strict else SEVERITIES.get(alert["priority"], SEVERITY_LOWEST),
        "attack_vector": "Network",
        "host": node,
        "protocol": alert["proto"].lower(),
        "source_ip": alert["src_ip"],
        "source_port": alert["src_port"],
        "source_name": source.name,
        "source_name_aggr": source.name_aggr,
        "source_namespace": source.namespace,
        "dest_ip": alert["dst_ip"],
        "dest_port": alert["dst_port"],
        "dest_name": dest.name,
        "dest_name_aggr": dest.name_aggr,
        "dest_namespace": dest.namespace,
        "dismissed": False,
        "record": record,
    }
    techniques = sorted({one for text in alert["metadata"] for one in _TECHNIQUE.findall(text)})
    if techniques:
        found["mitre_ids"] = techniques
    return {key: value for key, value in found.items() if (value is not None and value != UNKNOWN) or _is_kept(key)}


def event_id(alert: Alert, inspection: Inspection, *, node: str, strict: bool = False) -> str:
    """`{ns}_{dpi}_{time ns}_{src ip}_{src port}_{dst ip}_{dst port}_{node}`, ours with the signature at its end.

    A protocol without ports leaves their places empty.
    """
    parts = [
        inspection.namespace,
        inspection.name,
        str(alert["ts_ns"]),
        alert["src_ip"],
        _port(alert["src_port"]),
        alert["dst_ip"],
        _port(alert["dst_port"]),
        node,
    ]
    if not strict:
        parts.append(f"{alert['gid']}:{alert['sid']}:{alert['rev']}")
    return "_".join(parts)


def alert_line(alert: Alert) -> str:
    """One line as Snort 3's `alert_fast` writes it with the year (snort3 `src/loggers/alert_fast.cc`)."""
    seconds, ns = divmod(alert["ts_ns"], 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%y/%m/%d-%H:%M:%S") + f".{ns // 1000:06d}"
    classification = f"[Classification: {alert['class_text'] or alert['classtype']}] " if alert["classtype"] else ""
    return (
        f'{moment} [**] [{alert["gid"]}:{alert["sid"]}:{alert["rev"]}] "{alert["msg"]}" [**] '
        f"{classification}[Priority: {alert['priority']}] {{{alert['proto'].upper()}}} "
        f"{_side(alert, alert['src_ip'], alert['src_port'])} -> {_side(alert, alert['dst_ip'], alert['dst_port'])}"
    )


def _side(alert: Alert, ip: str, port: int | None) -> str:
    shown = str(ipaddress.ip_address(ip)) if ":" in ip else ip
    return shown if port is None or alert["proto"].upper() in _PORTLESS else f"{shown}:{port}"


def _port(port: int | None) -> str:
    return "" if port is None else str(port)


def _is_kept(key: str) -> bool:
    """Namespaces are `-` for what is not namespaced, and stay so; unknown names are left out."""
    return key.endswith("_namespace")
