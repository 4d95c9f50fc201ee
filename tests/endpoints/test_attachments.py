"""Keeping an engine attached to what is wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kodkod.endpoints import Endpoint
from kodkod.endpoints.attachments import Attachments
from kodkod.testing.node import Network, SimulatedLive, tcp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def endpoint(workload: str, **labels: str) -> Endpoint:
    return Endpoint("dev", workload, "node01", f"cali{workload}", ips=("10.0.0.1",), labels=labels)


class Stage:
    def __init__(self) -> None:
        self.network = Network()
        self.network.add("calia", "calib")
        self.live: SimulatedLive = self.network.open_live()
        self.attachments = Attachments(self.network.index)

    def reconcile(self, *wanted: Endpoint, after_s: float = 0) -> list[str]:
        self.attachments.reconcile(
            self.live,
            wanted,
            NOW + timedelta(seconds=after_s),
            lambda tag, one: self.live.attach(tag, one.interface, facts=("flows",)),
        )
        return sorted(attached.interface for attached in self.live.attached.values())


def test_the_engine_follows_what_is_wanted() -> None:
    stage = Stage()
    assert stage.reconcile(endpoint("a"), endpoint("b")) == ["calia", "calib"]
    assert stage.reconcile(endpoint("b")) == ["calib"]
    assert stage.reconcile() == []


def test_what_is_wanted_still_is_left_alone_though_its_labels_change() -> None:
    stage = Stage()
    stage.reconcile(endpoint("a"))
    (tag,) = stage.live.attached
    stage.reconcile(endpoint("a", app="nginx"))
    assert list(stage.live.attached) == [tag]
    assert stage.attachments.by_tag[tag].labels == {"app": "nginx"}


def test_a_missing_interface_is_a_failure_that_is_tried_again() -> None:
    stage = Stage()
    assert stage.reconcile(endpoint("c")) == []
    assert "No such device" in stage.attachments.failures[endpoint("c").id].message
    stage.network.add("calic")
    assert stage.reconcile(endpoint("c"), after_s=0.5) == []
    assert stage.reconcile(endpoint("c"), after_s=1) == ["calic"]
    assert not stage.attachments.failures


def test_an_interface_made_again_gets_a_new_tag_and_the_old_one_stays_known() -> None:
    stage = Stage()
    stage.reconcile(endpoint("a"))
    (old,) = stage.live.attached
    stage.network.interfaces["calia"] = 77
    stage.reconcile(endpoint("a"))
    (new,) = stage.live.attached
    assert new != old
    assert stage.attachments.by_tag[old].workload == stage.attachments.by_tag[new].workload == "a"


def test_packets_of_interfaces_that_went_stay_counted() -> None:
    stage = Stage()
    stage.reconcile(endpoint("a"))
    stage.network.deliver("calia", tcp("10.0.0.1", 1, "10.0.0.2", 2), 1)
    stage.reconcile()
    assert stage.attachments.totals(stage.live) == (1, {})
