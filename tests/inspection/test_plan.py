"""Which endpoints are inspected, for whom, and with how much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kodkod.endpoints import Endpoint
from kodkod.inspection import bounds
from kodkod.inspection.bounds import Bounds
from kodkod.inspection.plan import Inspection, plan, read


def inspection(name: str, selector: str = "", namespace: str = "dev") -> Inspection:
    return read({"metadata": {"name": name, "namespace": namespace, "uid": name}, "spec": {"selector": selector}})


WEB = Endpoint("dev", "web", "node01", "cali1", labels={"app": "nginx"})
OTHER = Endpoint("uat", "web", "node01", "cali2", labels={"app": "nginx"})


def test_an_endpoint_that_two_inspections_select_is_attached_once_for_both() -> None:
    assignment = plan([inspection("b"), inspection("a", 'app == "nginx"')], [WEB, OTHER])
    assert assignment.wanted == (WEB,)
    assert sorted(assignment.inspections_of(WEB.id)) == ["a", "b"]


def test_a_selector_that_cannot_be_read_selects_nothing_and_says_why() -> None:
    broken = inspection("a", "app ==")
    assert "spec.selector" in broken.fault
    assert plan([broken], [WEB]).wanted == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("500m", 0.5), ("1", 1), (2, 2), ("1Gi", 2**30), ("1.5G", 1.5e9), ("much", 7), (None, 7), ("-1", 7), ("0", 7)],
)
def test_quantities(value: object, expected: float) -> None:
    assert bounds.quantity(value, 7) == expected


def test_bounds_come_from_the_one_object() -> None:
    requirements = {"limits": {"cpu": "1500m", "memory": "512Mi"}}
    component = {"componentName": "DeepPacketInspection", "resourceRequirements": requirements}
    obj = {"metadata": {"name": "tigera-secure"}, "spec": {"componentResources": [component]}}
    assert bounds.read([obj]) == Bounds(1.5, 512 * 2**20)


@pytest.mark.parametrize("spec", [{}, {"componentResources": []}, {"componentResources": [{"componentName": "X"}]}])
def test_an_empty_list_is_no_trap(spec: dict[str, Any]) -> None:
    assert bounds.read([{"metadata": {"name": "tigera-secure"}, "spec": spec}]) == Bounds()


BOUNDS = Bounds(1.5, 512 * 2**20)


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    for controller in ("memory", "cpu"):
        (tmp_path / controller).mkdir()
    assert bounds.confine(BOUNDS, tmp_path, pid=42) == "v1"
    group = "kodkod-inspector-42"
    assert (tmp_path / "memory" / group / "memory.limit_in_bytes").read_text() == str(512 * 2**20)
    assert (tmp_path / "cpu" / group / "cpu.cfs_quota_us").read_text() == "150000"
    assert (tmp_path / "cpu" / group / "cgroup.procs").read_text() == "42"


@pytest.mark.parametrize("place", [".", "unified"], ids=["unified", "hybrid"])
def test_control_groups_of_version_2(tmp_path: Path, place: str) -> None:
    root = tmp_path / place
    root.mkdir(exist_ok=True)
    (root / "cgroup.controllers").write_text("cpu io memory\n")
    assert bounds.confine(BOUNDS, tmp_path, pid=42) == "v2"
    assert (root / "kodkod-inspector-42" / "cpu.max").read_text() == "150000 100000"
    assert (root / "kodkod-inspector-42" / "memory.max").read_text() == str(512 * 2**20)


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    assert bounds.confine(BOUNDS, tmp_path) == "none: no control groups are mounted"
    (tmp_path / "cgroup.controllers").write_text("io\n")
    assert bounds.confine(BOUNDS, tmp_path) == "none: v2 cannot be written: only io offered"


def test_groups_left_behind_are_removed(tmp_path: Path) -> None:
    for controller in ("memory", "cpu"):
        (tmp_path / controller / "kodkod-inspector-1").mkdir(parents=True)
    bounds.confine(BOUNDS, tmp_path, pid=42)
    assert [path.name for path in (tmp_path / "cpu").iterdir()] == ["kodkod-inspector-42"]
