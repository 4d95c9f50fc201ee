"""Which producers are there, and what does the console call them? (alerts-and-logs 5.3)"""

from __future__ import annotations

DEEP_PACKET_INSPECTION = "deep_packet_inspection"
GLOBAL_ALERT = "global_alert"

LABELS = {
    DEEP_PACKET_INSPECTION: "Deep Packet Inspection",
    GLOBAL_ALERT: "Global Alert",
    "gtf_suspicious_flow": "Suspicious Flow",
    "suspicious_flow": "Suspicious Flow",
    "gtf_suspicious_dns_query": "Suspicious DNS Query",
    "suspicious_dns_query": "Suspicious DNS Query",
    "runtime_security": "Runtime Security",
    "waf": "WAF Event",
    "anomaly_detection": "Anomaly Detection",
    "honeypod": "Honeypod",
    "alert": "Custom",
}


def label(type_name: str) -> str:
    """The console's word; a type we do not know is shown as it is."""
    return LABELS.get(type_name, type_name)


def by_label() -> dict[str, list[str]]:
    """Machine names under each word, as the console's filter offers them."""
    found: dict[str, list[str]] = {}
    for name, word in LABELS.items():
        found.setdefault(word, []).append(name)
    return found
