"""The table of kinds: schemas are structural, defaults are written back, faults are told in the known words."""

from typing import Any

import pytest

from kodkod.resources import Object, kinds
from kodkod.resources.durations import parse_duration
from kodkod.resources.findings import Advice, Cause
from kodkod.resources.kinds import Kind
from kodkod.resources.schema import structural
from kodkod.resources.validation import Checks, judge, prune

MODELLED = [kind for kind in kinds.ALL if kind.model is not None]


def judged(kind: Kind, spec: Any, **rest: Any) -> tuple[list[str], Object]:
    """What is wrong, as text, and the object with its defaults."""
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}, "spec": spec, **rest}
    causes, _ = judge(kind, obj, Checks())
    return [str(cause) for cause in causes], obj


@pytest.mark.parametrize("kind", MODELLED, ids=lambda kind: kind.kind)
def test_schema_is_structural_and_described(kind: Kind) -> None:
    def walk(schema: dict[str, Any], where: str) -> None:
        assert "type" in schema or "x-kubernetes-int-or-string" in schema, where
        assert not {"$ref", "anyOf", "allOf", "oneOf", "title", "const"} & schema.keys(), where
        for name, child in schema.get("properties", {}).items():
            assert child.get("description"), f"{where}.{name} says nothing"
            walk(child, f"{where}.{name}")
        if "items" in schema:
            walk(schema["items"], f"{where}[]")

    schema = structural(kind)
    assert schema is not None
    walk(schema, kind.kind)


def test_short_names_stand_in_one_kind_alone() -> None:
    names = [name for kind in kinds.ALL for name in kind.short_names]
    assert len(names) == len(set(names))


def test_both_groups_mean_the_same_kind() -> None:
    assert kinds.by_resource("crd.projectcalico.org/v1", "packetcaptures") is kinds.PACKET_CAPTURE
    assert kinds.by_kind("projectcalico.org/v3", "PacketCapture") is kinds.PACKET_CAPTURE
    assert str(kinds.group_versions()[1]) == "projectcalico.org/v3"


def test_capture_defaults_and_spellings() -> None:
    causes, obj = judged(
        kinds.PACKET_CAPTURE,
        {"selector": " ", "filters": [{"protocol": "6", "ports": ["80", "6040:6050", "90:90"]}, {}]},
    )
    assert causes == []
    assert obj["spec"]["selector"] == "all()"
    assert obj["spec"]["filters"] == [{"protocol": 6, "ports": [80, "6040:6050", 90]}, {}]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"selector": "a = b"}, "a lone '=' means nothing"),
        ({"filters": [{"protocol": "tcp"}]}, "protocol name invalid, write TCP"),
        ({"filters": [{"protocol": 0}]}, "protocol number invalid"),
        ({"filters": [{"ports": [0]}]}, "port number must be between 1 and 65535"),
        ({"filters": [{"ports": ["http"]}]}, "named ports are not supported"),
        ({"filters": [{"ports": ["80-90"]}]}, 'write "80:90"'),
        ({"filters": [{"ports": ["90:80"]}]}, "port range invalid"),
        ({"filters": [{"protocol": "ICMP", "ports": [1]}]}, "has no ports"),
        ({"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00Z"}, "endTime must be after startTime"),
        ({"startTime": "soon"}, "must be of type date-time"),
        ({"startTime": "2026-01-01T00:00:00"}, "must be of type date-time"),
        ({"selector": 7}, 'must be of type string: "integer"'),
    ],
)
def test_capture_faults(spec: Any, expected: str) -> None:
    causes, _ = judged(kinds.PACKET_CAPTURE, spec)
    assert len(causes) == 1
    assert expected in causes[0]


def test_windows_are_compared_as_times() -> None:
    window = {"startTime": "2026-01-01T01:00:00+01:00", "endTime": "2026-01-01T00:00:01.5Z"}
    assert judged(kinds.PACKET_CAPTURE, window)[0] == []


ALERT = {"description": "d", "severity": 50, "dataSet": "flows"}


def test_alert_defaults() -> None:
    causes, obj = judged(kinds.GLOBAL_ALERT, dict(ALERT))
    assert causes == []
    assert (obj["spec"]["period"], obj["spec"]["lookback"]) == ("5m0s", "10m0s")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"metric": "count", "field": "num_flows", "condition": "gt"}, "count metric cannot be applied to a field"),
        ({"metric": "sum", "condition": "gt"}, "non-count metrics require a field"),
        ({"field": "num_flows"}, "field without metric is invalid"),
        ({"metric": "count"}, "metrics require a condition"),
        ({"dataSet": None}, "dataSet is required for RuleBased alerts"),
        ({"severity": 0}, "should be greater than or equal to 1"),
        ({"severity": 101}, "should be less than or equal to 100"),
        ({"period": "30s"}, "at least one minute"),
        ({"period": "1h 2m"}, "should match"),
        ({"query": "qname IN ${x}"}, "has no substitution of that name"),
        ({"substitutions": [{"name": "x", "values": []}]}, "substitution x has no values"),
    ],
)
def test_alert_faults(change: dict[str, Any], expected: str) -> None:
    spec = {name: value for name, value in {**ALERT, **change}.items() if value is not None}
    causes, _ = judged(kinds.GLOBAL_ALERT, spec)
    assert any(expected in cause for cause in causes)


@pytest.mark.parametrize(
    "change",
    [
        {"condition": "gt", "threshold": 0},
        {"type": "AnomalyDetection", "dataSet": None, "detector": {"name": "port_scan"}},
        {"period": "1m0s", "lookback": "1h0m0s", "metric": "sum", "field": "num_flows", "condition": "gte"},
        {"type": ""},
    ],
    ids=["condition without metric", "old detector", "Go durations", "empty type"],
)
def test_alerts_of_the_labs_are_taken(change: dict[str, Any]) -> None:
    spec = {name: value for name, value in {**ALERT, **change}.items() if value is not None}
    assert judged(kinds.GLOBAL_ALERT, spec)[0] == []


@pytest.mark.parametrize(
    "spec", [{}, {"componentResources": []}, {"componentResources": [{"componentName": "DeepPacketInspection"}]}]
)
def test_inspection_bounds_are_written_back(spec: Any) -> None:
    obj = {"metadata": {"name": "tigera-secure"}, "spec": spec}
    assert judge(kinds.INTRUSION_DETECTION, obj, Checks()) == ([], [])
    bounds = obj["spec"]["componentResources"][0]["resourceRequirements"]
    assert bounds == {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "100Mi"},
    }


def test_inspection_bounds_given_in_part_are_completed() -> None:
    component = {"componentName": "DeepPacketInspection", "resourceRequirements": {"limits": {"cpu": 2}}}
    obj = {"metadata": {"name": "tigera-secure"}, "spec": {"componentResources": [component]}}
    judge(kinds.INTRUSION_DETECTION, obj, Checks())
    assert component["resourceRequirements"]["limits"] == {"cpu": 2, "memory": "1Gi"}


def test_there_is_one_inspection_object() -> None:
    causes, _ = judged(kinds.INTRUSION_DETECTION, {})
    assert 'named "tigera-secure"' in causes[0]


def test_unknown_fields_and_nulls_are_pruned() -> None:
    obj = {
        "apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", "metadata": {"name": "x", "u": 1},
        "spec": {"selector": None, "filters": [{"protocol": "TCP", "bogus": 1}], "other": {}}, "top": 1,
    }  # fmt: skip
    assert sorted(prune(kinds.PACKET_CAPTURE, obj)) == ["metadata.u", "spec.filters[0].bogus", "spec.other", "top"]
    assert obj["spec"] == {"filters": [{"protocol": "TCP"}]}


def test_settings_that_felix_has_and_we_do_not_are_kept() -> None:
    obj = {"metadata": {"name": "default"}, "spec": {"flowLogsCollectTcpStats": True, "flowLogsFlushInterval": "10s"}}
    assert prune(kinds.FELIX_CONFIGURATION, obj) == []
    assert obj["spec"]["flowLogsCollectTcpStats"] is True


def test_added_checks_refuse_and_advise() -> None:
    checks = Checks()
    checks.add(kinds.GLOBAL_ALERT, lambda obj: [Cause("FieldValueInvalid", "no", "spec.query"), Advice("look")])
    obj = {"metadata": {"name": "x"}, "spec": dict(ALERT)}
    causes, advice = judge(kinds.GLOBAL_ALERT, obj, checks)
    assert ([str(cause) for cause in causes], advice) == (["spec.query: no"], ["look"])


def test_webhook_and_feed_rules() -> None:
    spec: Any = {
        "consumer": "Jira",
        "state": "Enabled",
        "query": "type=waf",
        "config": [{"name": "url", "value": "https://x"}],
    }
    causes, _ = judged(kinds.SECURITY_EVENT_WEBHOOK, spec)
    assert "spec.config: Required value: Jira needs project" in causes
    causes, _ = judged(kinds.GLOBAL_THREAT_FEED, {"content": "DomainNameSet", "globalNetworkSet": {}})
    assert "DomainNameSet does not support syncing with a GlobalNetworkSet" in causes[0]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("1h30m", 5400),
        ("10m0s", 600),
        ("75m", 4500),
        ("1.5s", 1.5),
        ("0", 0),
        ("-2m", -120),
        ("300ms", 0.3),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "1h 2m", "m", "+-5m", "5 m", "٣m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


def test_a_report_is_named_after_its_process() -> None:
    obj = {"metadata": {"name": "n1-agent"}, "spec": {"node": "n2", "role": "agent"}}
    causes, _ = judge(kinds.NODE_REPORT, obj, Checks())
    assert 'the report of this process is named "n2-agent"' in str(causes[0])
