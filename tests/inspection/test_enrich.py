"""Alerts as events: the product's fields, names and line, and ours beside them."""

from __future__ import annotations

from typing import Any

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties
from kodkod.inspection.enrich import event_of
from kodkod.inspection.plan import Inspection, read

DPI = read({"metadata": {"name": "dpi-backend", "namespace": "dev", "uid": "u"}, "spec": {}})
SERVER = Endpoint("dev", "backend-1", "node01", "cali1", ips=("192.168.196.148",), generate_name="backend-")
PARTIES = Parties(Index([SERVER]))


def alert(**changes: Any) -> Any:
    return {
        "ts_ns": 1665586770311556000,
        "packet": 3,
        "tag": 1,
        "gid": 1,
        "sid": 58737,
        "rev": 4,
        "msg": "SERVER-OTHER Apache Log4j logging remote code execution attempt",
        "classtype": "attempted-user",
        "class_text": "Attempted User Privilege Gain",
        "priority": 1,
        "action": "alert",
        "proto": "TCP",
        "src_ip": "192.168.196.143",
        "src_port": 39900,
        "dst_ip": "192.168.196.148",
        "dst_port": 8080,
        "direction": "to_server",
        "app_proto": "http",
        "flow_id": 7,
        "community_id": "1:abc",
        "vlan": None,
        "rule": "alert tcp any any -> any any (sid:58737;)",
        "why": [],
        "references": ["cve,2021-44228"],
        "metadata": [],
        **changes,
    }


def event(inspection: Inspection = DPI, **changes: Any) -> dict[str, Any]:
    return event_of(alert(**changes), inspection, PARTIES, "node01").to_record()


STRICT = read(
    {"metadata": {"name": "dpi-backend", "namespace": "dev", "annotations": {"kodkod.dev/strict-events": "true"}}}
)
PRODUCTS_ID = "dev_dpi-backend_1665586770311556000_192.168.196.143_39900_192.168.196.148_8080_node01"


def test_every_field_of_the_specification_is_there() -> None:
    """packet-capture-and-dpi.md 3.6, and 5.2 of alerts-and-logs.md; the source is no pod, so it has no name."""
    known = alert(metadata=["mitre_technique_id T1190", "mitre_tactic_name Initial_Access", "policy x"])
    source = Endpoint("dev", "client-1", "node02", "cali2", ips=("192.168.196.143",))
    found = event_of(known, DPI, Parties(Index([SERVER, source])), "node01").to_record()
    assert found == {
        "id": f"{PRODUCTS_ID}_1:58737:4",
        "time": 1665586770,
        "type": "deep_packet_inspection",
        "origin": "dpi.dev/dpi-backend",
        "name": "Signature Triggered Alert",
        "severity": 100,
        "severity_label": "Critical",
        "description": "Signature Triggered Alert: SERVER-OTHER Apache Log4j logging remote code execution attempt "
        "(1:58737:4)",
        "source_ip": "192.168.196.143",
        "source_port": 39900,
        "source_namespace": "dev",
        "source_name": "client-1",
        "source_name_aggr": "client-1",
        "dest_ip": "192.168.196.148",
        "dest_port": 8080,
        "dest_namespace": "dev",
        "dest_name": "backend-1",
        "dest_name_aggr": "backend-*",
        "host": "node01",
        "protocol": "tcp",
        "attack_vector": "Network",
        "mitre_tactic": "Initial Access",
        "mitre_ids": ["T1190"],
        "record": {
            "snort_signature_id": "58737",
            "snort_signature_revision": "4",
            "snort_alert": found["record"]["snort_alert"],
            "gid": 1,
            "message": "SERVER-OTHER Apache Log4j logging remote code execution attempt",
            "class": "attempted-user",
            "priority": 1,
            "app_proto": "http",
            "direction": "to_server",
            "community_id": "1:abc",
            "rule": "alert tcp any any -> any any (sid:58737;)",
            "references": ["cve,2021-44228"],
            "why": [],
        },
    }


def test_strict_events_are_the_products_to_the_letter() -> None:
    assert [event(STRICT, sid=sid, priority=3)["id"] for sid in (1, 2)] == [PRODUCTS_ID] * 2
    assert [event(STRICT, priority=priority)["severity"] for priority in (1, 2, 3)] == [100] * 3


def test_without_a_word_in_the_rule_there_is_no_tactic() -> None:
    assert not {"mitre_tactic", "mitre_ids"} & event(metadata=["policy balanced-ips drop", "mitre_technique_id"]).keys()


def test_the_documented_event_comes_out() -> None:
    found = event()
    assert found["id"].startswith(
        "dev_dpi-backend_1665586770311556000_192.168.196.143_39900_192.168.196.148_8080_node01"
    )
    assert found["time"] == 1665586770
    assert found["origin"] == "dpi.dev/dpi-backend"
    assert found["severity"] == 100
    assert found["record"]["snort_signature_id"] == "58737"
    assert found["record"]["snort_signature_revision"] == "4"
    assert found["record"]["snort_alert"] == (
        '22/10/12-14:59:30.311556 [**] [1:58737:4] "SERVER-OTHER Apache Log4j logging remote code execution attempt" '
        "[**] [Classification: Attempted User Privilege Gain] [Priority: 1] {TCP} "
        "192.168.196.143:39900 -> 192.168.196.148:8080"
    )


def test_both_names_a_reader_looks_for_are_there() -> None:
    found = event()
    assert found["name"] == "Signature Triggered Alert"
    assert found["description"].startswith("Signature Triggered Alert: SERVER-OTHER Apache Log4j")
    assert found["type"] == "deep_packet_inspection"


def test_known_peers_are_named_and_unknown_names_left_out() -> None:
    found = event()
    assert (found["dest_name"], found["dest_name_aggr"], found["dest_namespace"]) == ("backend-1", "backend-*", "dev")
    assert "source_name" not in found
    assert (found["source_name_aggr"], found["source_namespace"]) == ("pvt", "-")


def test_two_signatures_of_one_packet_are_two_events() -> None:
    ids = {event(sid=sid)["id"] for sid in (1, 2)}
    assert len(ids) == 2


def test_a_replayed_alert_has_the_same_id() -> None:
    first, again = (event()["id"] for _ in range(2))
    assert first == again


def test_severity_follows_the_priority() -> None:
    assert [event(priority=priority)["severity"] for priority in (1, 2, 3, 4, 9)] == [100, 80, 60, 40, 40]


def test_protocols_without_ports_leave_their_places_empty() -> None:
    found = event(proto="ICMP", src_port=None, dst_port=None, classtype=None, class_text=None)
    assert "_192.168.196.143__192.168.196.148__node01" in found["id"]
    assert found["record"]["snort_alert"].endswith("[**] [Priority: 1] {ICMP} 192.168.196.143 -> 192.168.196.148")
