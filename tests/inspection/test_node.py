"""A simulated node inspecting: the table of both ends, rules swapped, errors told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from kodkod.endpoints import Endpoint, Index
from kodkod.endpoints.parties import Parties
from kodkod.events.event import Event
from kodkod.inspection.node import InspectionNode
from kodkod.inspection.plan import Inspection, read
from kodkod.resources.kinds.node_report import InspectionReport
from kodkod.testing.node import Network, SimulatedRules, tcp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
RULE = 'alert tcp any any -> any any (msg:"MALWARE-CNC Bredolab"; content:"smk=1234"; sid:21562; rev:5;)'
PODS = {
    name: Endpoint(name[:-1], name, "node01", f"cali{name}", ips=(f"10.0.0.{number}",), labels={"app": name})
    for number, name in enumerate(("red1", "red2", "blue1", "blue2"), 1)
}
PARTIES = Parties(Index(PODS.values()))


def inspection(name: str = "red-dpi-all", namespace: str = "red", selector: str = "all()") -> Inspection:
    return read({"metadata": {"name": name, "namespace": namespace, "uid": name}, "spec": {"selector": selector}})


class Stage:
    """A node with rules in its data folder, its network, and a clock to turn."""

    def __init__(self, data: Path, *inspections: Inspection) -> None:
        self.data = data
        self.network = Network()
        self.network.add(*(one.interface for one in PODS.values()))
        self.live = self.network.open_live()
        self.inspections: Sequence[Inspection] = inspections
        self.endpoints = list(PODS.values())
        self.now = NOW
        self.rules = RULE
        self.node = InspectionNode(
            "node01", cast(Any, self.live), cast(Any, self.compile), data, link=self.network.index
        )
        self.step()

    def compile(self, _sources: Sequence[tuple[str, bytes]], _classification: bytes | None) -> SimulatedRules:
        return SimulatedRules(self.rules)

    def step(self, after_s: float = 0) -> None:
        self.now += timedelta(seconds=after_s)
        self.node.step(self.inspections, self.endpoints, self.now)

    def install(self, text: str) -> None:
        """Another rule set is put into the data folder."""
        self.rules = text
        folder = self.data / "rules"
        folder.mkdir(exist_ok=True)
        (folder / "mine.rules").write_text(text)

    def request(self, source: str, dest: str) -> list[Event]:
        self.pass_by(source, dest)
        return self.node.drain(PARTIES, 0)

    def pass_by(self, source: str, dest: str) -> None:
        """One malicious request; it passes the interface of both pods."""
        frame = tcp(PODS[source].ips[0], 40000, PODS[dest].ips[0], 80, b"POST / HTTP/1.1\r\n\r\nsmk=1234")
        for name in (source, dest):
            self.network.deliver(PODS[name].interface, frame, int(NOW.timestamp()) * 10**9)

    def report(self) -> InspectionReport:
        return self.node.reports(self.now)[0]


@pytest.mark.parametrize(
    ("source", "dest", "alerts"),
    [("red1", "red2", 2), ("red1", "blue1", 1), ("blue2", "red2", 1), ("blue2", "blue1", 0)],
)
def test_both_ends_count(tmp_path: Path, source: str, dest: str, alerts: int) -> None:
    assert len(Stage(tmp_path, inspection()).request(source, dest)) == alerts


def test_an_endpoint_of_two_inspections_gives_an_event_for_each(tmp_path: Path) -> None:
    events = Stage(tmp_path, inspection(), inspection("second")).request("blue1", "red1")
    assert sorted(event.origin for event in events) == ["dpi.red/red-dpi-all", "dpi.red/second"]


def test_new_rules_are_in_force_without_attaching_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    before = dict(stage.live.attached)
    stage.install(RULE.replace("smk=1234", "never"))
    stage.step()
    assert stage.request("blue1", "red1") == []
    assert stage.live.attached == before


def test_the_status_is_a_success_when_every_endpoint_is_inspected(tmp_path: Path) -> None:
    report = Stage(tmp_path, inspection()).report()
    assert (report.success, report.selected, report.attached, report.error_conditions) == (True, 2, 2, [])


def test_nothing_selected_is_a_success(tmp_path: Path) -> None:
    assert Stage(tmp_path, inspection(selector='app == "none"')).report().success


def test_an_interface_that_cannot_be_opened_is_named_once_and_cleared_when_it_heals(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    stage.network.remove("calired2")
    for _ in range(3):
        stage.step(after_s=61)
        stage.report()
    report = stage.report()
    assert (report.success, report.attached) == (False, 1)
    assert [one.message for one in report.error_conditions] == ["red2: calired2: No such device"]

    stage.network.add("calired2")
    stage.step(after_s=61)
    assert stage.report().success
    assert stage.report().error_conditions == []


def test_an_error_keeps_the_time_it_was_first_seen_so_that_nothing_is_rewritten_for_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    stage.network.remove("calired2")
    stage.step(after_s=61)
    stage.step(after_s=61)
    first = stage.report().error_conditions
    stage.step(after_s=61)
    assert stage.report().error_conditions == first


def test_an_alert_of_a_pod_that_is_gone_meanwhile_still_becomes_an_event(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    stage.pass_by("red1", "blue1")
    stage.endpoints = [PODS["red2"]]
    stage.step()
    assert len(stage.node.drain(PARTIES, 0)) == 1


def test_an_alert_of_a_deleted_inspection_is_nobodys(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    stage.pass_by("red1", "blue1")
    stage.inspections = ()
    stage.step()
    assert stage.node.drain(PARTIES, 0) == []
    assert stage.live.attached == {}


def test_bad_rules_are_named_by_their_place_while_the_others_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    stage.install(RULE + '\nalert tcp any any -> any any (msg:"no sid";)')
    stage.step()
    report = stage.report()
    assert report.success
    assert [one.message for one in report.error_conditions] == ["simulated.rules:2:1: rule has no sid"]
    assert len(stage.request("red1", "red2")) == 2


def test_packets_looked_at_are_counted_for_each_inspection(tmp_path: Path) -> None:
    stage = Stage(tmp_path, inspection())
    stage.request("red1", "red2")
    assert (stage.report().packets, stage.report().alerts) == (2, 2)
    assert stage.node.totals() == (2, {})
