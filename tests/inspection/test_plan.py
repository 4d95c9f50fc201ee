"""Whom to inspect, and with how much."""

from __future__ import annotations

from typing import Any

import pytest

from kodkod.endpoints import Endpoint
from kodkod.inspection.plan import Bounds, assign, quantity, read, read_bounds


def inspection(name: str, selector: str = "", namespace: str = "dev") -> Any:
    return read({"metadata": {"name": name, "namespace": namespace, "uid": name}, "spec": {"selector": selector}})


WEB = Endpoint("dev", "web", "node01", "cali1", labels={"app": "nginx"})
OTHER = Endpoint("uat", "web", "node01", "cali2", labels={"app": "nginx"})


def test_an_endpoint_that_two_inspections_select_is_attached_once_for_both() -> None:
    wanted = assign([inspection("b"), inspection("a", 'app == "nginx"')], [WEB, OTHER])
    assert {key: [one.name for one in them] for key, them in wanted.items()} == {WEB.id: ["a", "b"]}


def test_a_selector_that_cannot_be_read_selects_nothing_and_says_why() -> None:
    broken = inspection("a", "app ==")
    assert "spec.selector" in broken.fault
    assert assign([broken], [WEB]) == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [("500m", 0.5), ("1", 1), (2, 2), ("1Gi", 2**30), ("1.5G", 1.5e9), ("much", None), (None, None)],
)
def test_quantities(value: object, expected: float | None) -> None:
    assert quantity(value) == expected


def test_bounds_come_from_the_one_object() -> None:
    obj = {
        "metadata": {"name": "tigera-secure"},
        "spec": {
            "componentResources": [
                {
                    "componentName": "DeepPacketInspection",
                    "resourceRequirements": {"limits": {"cpu": "1500m", "memory": "512Mi"}},
                }
            ]
        },
    }
    bounds = read_bounds([obj])
    assert bounds == Bounds(1.5, 512 * 2**20)
    assert bounds.workers == 2


@pytest.mark.parametrize("spec", [{}, {"componentResources": []}, {"componentResources": [{"componentName": "X"}]}])
def test_an_empty_list_is_no_trap(spec: dict[str, Any]) -> None:
    assert read_bounds([{"metadata": {"name": "tigera-secure"}, "spec": spec}]) == Bounds()
