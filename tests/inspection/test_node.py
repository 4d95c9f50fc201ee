"""A simulated node inspecting: the table of both ends, rules swapped, errors told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties
from kodkod.inspection.node import Event, InspectionNode, Rules
from kodkod.inspection.plan import Bounds, Inspection, read
from kodkod.testing.node import Network, SimulatedRules, tcp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RULE = 'alert tcp any any -> any any (msg:"MALWARE-CNC Bredolab"; content:"smk=1234"; sid:21562; rev:5;)'
PODS = {
    name: Endpoint(name[:-1], name, "node01", f"cali{name}", ips=(f"10.0.0.{number}",), labels={"app": name})
    for number, name in enumerate(("red1", "red2", "blue1", "blue2"), 1)
}
PARTIES = Parties(Index(PODS.values()))


def rules(text: str = RULE) -> Rules:
    compiled = SimulatedRules(text)
    return Rules(compiled, text, compiled.full, 0, compiled.skipped, ("simulated.rules",))


def inspection(name: str = "red-dpi-all", namespace: str = "red", selector: str = "all()") -> Inspection:
    return read({"metadata": {"name": name, "namespace": namespace, "uid": name}, "spec": {"selector": selector}})


class Stage:
    def __init__(self, *inspections: Inspection) -> None:
        self.network = Network()
        self.network.add(*(one.interface for one in PODS.values()))
        self.inspections: Sequence[Inspection] = inspections
        self.now = NOW
        self.node = InspectionNode(
            "node01",
            lambda bounds: self.network.open_live(workers=bounds.workers, memory_bytes=bounds.engine_bytes),
            link=self.network.index,
        )
        self.node.set_rules(rules())
        self.reconcile()

    def reconcile(self, bounds: Bounds | None = None) -> None:
        self.node.reconcile(self.inspections, list(PODS.values()), bounds or Bounds(), self.now)

    def request(self, source: str, dest: str) -> list[Event]:
        """One malicious request; it passes the interface of both pods."""
        frame = tcp(PODS[source].ips[0], 40000, PODS[dest].ips[0], 80, b"POST / HTTP/1.1\r\n\r\nsmk=1234")
        for name in (source, dest):
            self.network.deliver(PODS[name].interface, frame, int(NOW.timestamp()) * 10**9)
        return self.node.turn(PARTIES, 0)

    def report(self) -> Any:
        return self.node.reports(self.inspections, list(PODS.values()), self.now)[0]


@pytest.mark.parametrize(
    ("source", "dest", "alerts"),
    [("red1", "red2", 2), ("red1", "blue1", 1), ("blue2", "red2", 1), ("blue2", "blue1", 0)],
)
def test_both_ends_count(source: str, dest: str, alerts: int) -> None:
    assert len(Stage(inspection()).request(source, dest)) == alerts


def test_an_endpoint_of_two_inspections_gives_an_event_for_each() -> None:
    events = Stage(inspection(), inspection("second")).request("blue1", "red1")
    assert sorted(event["origin"] for event in events) == ["dpi.red/red-dpi-all", "dpi.red/second"]


def test_new_rules_are_in_force_without_attaching_again() -> None:
    stage = Stage(inspection())
    (live,) = stage.network.lives
    before = dict(live.attached)
    stage.node.set_rules(rules(RULE.replace("smk=1234", "never").replace("21562", "7")))
    assert stage.request("blue1", "red1") == []
    assert live.attached == before


def test_the_status_is_a_success_when_every_endpoint_is_inspected() -> None:
    report = Stage(inspection()).report()
    assert (report.success, report.selected, report.attached, report.error_conditions) == (True, 2, 2, [])


def test_nothing_selected_is_a_success() -> None:
    assert Stage(inspection(selector='app == "none"')).report().success


def test_an_interface_that_cannot_be_opened_is_named_once_and_cleared_when_it_heals() -> None:
    stage = Stage(inspection())
    stage.network.remove("calired2")
    for _ in range(3):
        stage.now += timedelta(seconds=61)
        stage.reconcile()
    report = stage.report()
    assert (report.success, report.attached) == (False, 1)
    assert [one.message for one in report.error_conditions] == ["red2: calired2: No such device"]
    assert stage.node.is_ready(stage.inspections, list(PODS.values()))

    stage.network.add("calired2")
    stage.now += timedelta(seconds=61)
    stage.reconcile()
    assert stage.report().success
    assert stage.report().error_conditions == []


def test_bad_rules_are_named_while_the_others_run() -> None:
    stage = Stage(inspection())
    good = rules()
    problems = tuple(f"bad.rules:{line}:1: unknown option" for line in range(20))
    stage.node.set_rules(Rules(good.compiled, "other", 1, 0, 20, (), problems))
    report = stage.report()
    assert report.success
    assert len(report.error_conditions) == 10


def test_without_rules_nothing_is_ready_and_the_status_says_so() -> None:
    stage = Stage(inspection())
    bare = InspectionNode("node01", lambda _: stage.network.open_live())
    bare.reconcile(stage.inspections, list(PODS.values()), Bounds(), NOW)
    (report,) = bare.reports(stage.inspections, list(PODS.values()), NOW)
    assert not report.success
    assert report.error_conditions[0].message == "rules are not loaded yet"
    assert not bare.is_ready(stage.inspections, list(PODS.values()))


def test_new_bounds_start_a_new_engine() -> None:
    stage = Stage(inspection())
    stage.reconcile(Bounds(cpus=2.0, memory_bytes=2**30))
    old, new = stage.network.lives
    assert old.is_closed
    assert (new.workers, new.memory_bytes) == (2, 2**29)
    assert len(stage.request("red1", "red2")) == 2


def test_without_any_inspection_no_engine_runs() -> None:
    stage = Stage(inspection())
    stage.inspections = ()
    stage.reconcile()
    assert not stage.node.is_running
    assert stage.request("red1", "red2") == []
