"""Reading PacketCapture objects, bad ones included."""

from __future__ import annotations

from typing import Any

import pytest

from kodkod.capture import intent
from kodkod.capture.intent import Filter


def read(**spec: Any) -> intent.Capture:
    return intent.read({"metadata": {"name": "c", "namespace": "dev", "uid": "u", "generation": 2}, "spec": spec})


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param(None, (), id="absent"),
        pytest.param([{}], (Filter(),), id="empty-rule-takes-all"),
        pytest.param([{"protocol": "TCP", "ports": [80]}], (Filter(6, ((80, 80),)),), id="tcp-80"),
        pytest.param([{"protocol": "6"}], (Filter(6),), id="number-as-text"),
        pytest.param([{"protocol": "UDPLite"}], (Filter(136),), id="udplite"),
        pytest.param(
            [{"ports": [8080, "1234:5678", "90"]}], (Filter(None, ((8080, 8080), (1234, 5678), (90, 90))),), id="ports"
        ),
    ],
)
def test_filters_are_read(filters: Any, expected: tuple[Filter, ...]) -> None:
    capture = read(filters=filters)
    assert capture.filters == expected
    assert capture.fault is None
    assert capture.warnings == ()


@pytest.mark.parametrize(
    "rule",
    [
        {"protocol": "tcp"},
        {"protocol": 0},
        {"protocol": 256},
        {"protocol": True},
        {"ports": ["http"]},
        {"ports": ["80-90"]},
        {"ports": ["90:80"]},
        {"ports": [0]},
        {"ports": [70000]},
        "TCP",
    ],
)
def test_a_bad_rule_is_left_out_with_a_warning_and_the_others_stay(rule: Any) -> None:
    capture = read(filters=[rule, {"protocol": "UDP"}])
    assert capture.filters == (Filter(17),)
    assert capture.fault is None
    assert "spec.filters[0] is ignored" in capture.warnings[0]


def test_without_one_usable_rule_nothing_is_recorded_rather_than_everything() -> None:
    capture = read(filters=[{"protocol": "tcp"}])
    assert capture.fault is not None
    assert capture.fault.reason == "InvalidFilter"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"selector": "app =="}, "InvalidSelector"),
        ({"startTime": "tomorrow"}, "InvalidTime"),
    ],
)
def test_what_cannot_be_read_is_a_fault(spec: dict[str, Any], reason: str) -> None:
    fault = read(**spec).fault
    assert fault is not None
    assert fault.reason == reason


def test_an_empty_selector_takes_all() -> None:
    assert read(selector="").selector.matches({})
