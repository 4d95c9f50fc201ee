"""RuleSet objects at work: for whom their rules are, what they are worth, and that swapping them costs no flow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties
from kodkod.inspection import rule_objects
from kodkod.inspection.controller import fold_rule_set
from kodkod.inspection.node import InspectionNode
from kodkod.inspection.plan import read as read_inspection
from kodkod.inspection.rule_objects import RuleObject
from kodkod.resources import Object
from kodkod.testing.node import Network, SimulatedRules, tcp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
BASE = 'alert tcp any any -> any any (msg:"everywhere"; content:"attack"; sid:1;)'
OURS = 'alert tcp any any -> any any (msg:"ours"; content:"attack"; sid:9;)'
PODS = [
    Endpoint("dev", name, "node01", f"cali{name}", ips=(f"10.0.0.{number}",), labels={"app": name})
    for number, name in enumerate(("web", "db"), 1)
]


def rule_set(name: str = "mine", rules: str = OURS, selector: str = "all()", generation: int = 1) -> Object:
    metadata = {"name": name, "uid": f"uid-{name}", "generation": generation}
    return {"metadata": metadata, "spec": {"selector": selector, "rules": rules}}


class Stage:
    """A node that inspects both pods."""

    def __init__(self, data: Path, *objects: Object) -> None:
        (data / "rules").mkdir()
        self.network = Network()
        self.network.add(*(one.interface for one in PODS))
        self.live = self.network.open_live()
        self.compiled: list[tuple[str, ...]] = []
        self.objects: list[RuleObject] = [rule_objects.read(one) for one in objects]
        self.now = NOW
        self.node = InspectionNode(
            "node01", cast(Any, self.live), cast(Any, self.compile), data, link=self.network.index
        )
        self.step()

    def compile(self, sources: Sequence[tuple[str, bytes]], _classification: bytes | None) -> SimulatedRules:
        """The rules in force everywhere are BASE, whatever the starter set says."""
        texts = [BASE if name == "starter.rules" else text.decode() for name, text in sources]
        self.compiled.append(tuple(name for name, _ in sources))
        return SimulatedRules("\n".join(texts))

    def set(self, *objects: Object) -> None:
        self.objects = [rule_objects.read(one) for one in objects]
        self.step()

    def step(self) -> None:
        self.now += timedelta(seconds=1)
        inspection = read_inspection({"metadata": {"name": "d", "namespace": "dev", "uid": "d"}, "spec": {}})
        self.node.step([inspection], PODS, self.now, self.objects)

    def fired(self, pod: Endpoint) -> list[str]:
        """Signatures that fire on one attack seen at a pod."""
        frame = tcp("10.9.9.9", 40000, pod.ips[0], 80, b"GET / attack")
        self.network.deliver(pod.interface, frame, int(NOW.timestamp()) * 10**9)
        events = self.node.drain(Parties(Index(PODS)), 0)
        return sorted(str(event.record["snort_signature_id"]) for event in events)


def test_rules_are_for_the_endpoints_that_the_selector_picks(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rule_set(selector="app == 'web'"))
    web, db = PODS
    assert (stage.fired(web), stage.fired(db)) == (["1", "9"], ["1"])
    (report,) = stage.node.rule_set_reports()
    assert (report.name, report.full, report.skipped, report.endpoints, report.errors) == ("mine", 1, 0, 1, [])


def test_a_changed_set_is_in_force_without_attaching_again_and_others_are_left_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rule_set(selector="app == 'web'"))
    web, db = PODS
    tags = dict(stage.live.attached)
    stage.set(rule_set(rules=OURS.replace("sid:9", "sid:10"), selector="app == 'web'", generation=2))
    assert (stage.fired(web), stage.fired(db)) == (["1", "10"], ["1"])
    stage.set()
    assert stage.fired(web) == ["1"]
    assert stage.live.attached == tags
    assert stage.node.rule_set_reports() == []


def test_what_is_the_same_is_compiled_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rule_set(), rule_set("other", OURS.replace("sid:9", "sid:8")))
    before = list(stage.compiled)
    assert ("starter.rules", "RuleSet/mine", "RuleSet/other") in before
    for _ in range(3):
        stage.step()
    assert stage.compiled == before
    assert [stage.fired(pod) for pod in PODS] == [["1", "8", "9"]] * 2


def test_a_bad_rule_is_named_with_its_place_and_the_others_are_in_force(tmp_path: Path) -> None:
    stage = Stage(tmp_path, rule_set(rules=f"alert nonsense\n{OURS}"), rule_set("odd", selector="app ="))
    assert stage.fired(PODS[0]) == ["1", "9"]
    mine, odd = stage.node.rule_set_reports()
    assert (mine.full, mine.skipped, mine.errors) == (1, 1, ["1:1: rule has no sid"])
    assert (odd.endpoints, odd.errors[0].startswith("spec.selector: ")) == (0, True)


def test_combinations_are_bounded_and_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_objects, "COMBINATIONS_MAX", 1)
    stage = Stage(tmp_path, rule_set("a", selector="app == 'web'"), rule_set("b", selector="app == 'db'"))
    assert [stage.fired(pod) for pod in PODS] == [["1", "9"], ["1"]]
    assert [bool(one.errors) for one in stage.node.rule_set_reports()] == [False, True]


# --- status ---------------------------------------------------------------------------------------------------------
def report(node: str, **fields: Any) -> Object:
    one = {"name": "mine", "uid": "uid-mine", "generation": 1, "full": 3, "degraded": 1, "skipped": 0, **fields}
    return {"spec": {"node": node, "role": "inspector"}, "status": {"ruleSets": [one]}}


def test_nodes_reports_become_the_status() -> None:
    status = fold_rule_set(rule_set(), [report("b", endpoints=2), report("a", endpoints=1)], NOW)
    (condition,) = status.pop("conditions")
    assert status == {
        "full": 3, "degraded": 1, "skipped": 0, "endpoints": 3, "errors": [], "observedGeneration": 1,
    }  # fmt: skip
    assert (condition["status"], condition["reason"], condition["message"]) == ("True", "Loaded", "4 rules are loaded")
    again = fold_rule_set({**rule_set(), "status": {**status, "conditions": [condition]}}, [report("a")], NOW)
    assert again["conditions"][0]["lastTransitionTime"] == condition["lastTransitionTime"]


def test_errors_are_told_once_and_an_old_generation_says_nothing() -> None:
    bad = fold_rule_set(rule_set(), [report(node, skipped=1, errors=["1:1: no"]) for node in "ab"], NOW)
    assert (bad["errors"], bad["conditions"][0]["reason"]) == (["1:1: no"], "RulesSkipped")
    old = fold_rule_set(rule_set(generation=2), [report("a")], NOW)
    assert old["conditions"][0]["status"] == "Unknown"
