"""A node at work on simulated interfaces: packets in, files and reports out."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kodkod.capture import intent
from kodkod.capture.files import Folder
from kodkod.capture.node import CaptureNode, Space, broken
from kodkod.capture.plan import Limits
from kodkod.capture.settings import Settings
from kodkod.clock import rfc3339
from kodkod.endpoints import Endpoint
from kodkod.resources.kinds.node_report import CaptureReport
from kodkod.testing.node import Network, tcp, udp

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WEB = Endpoint("dev", "web", "node01", "cali1", ips=("10.0.0.1",), labels={"app": "nginx"})
REQUEST = tcp("10.0.0.9", 40000, "10.0.0.1", 80, b"GET / HTTP/1.1")


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9


class Stage:
    """A node, its network, its disk, and a clock to turn."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.network = Network()
        self.network.add("cali1")
        self.free = 50
        self.now = NOW
        self.limits = Limits()
        self.endpoints = [WEB]
        self.node = self.boot()

    def boot(self, **options: Any) -> CaptureNode:
        self.node = CaptureNode(
            "node01",
            self.network.open_capture,
            space=lambda _: Space(self.free, 100),
            link=self.network.index,
            **options,
        )
        return self.node

    def step(self, *captures: intent.Capture, after_s: float = 0) -> list[CaptureReport]:
        self.now += timedelta(seconds=after_s)
        return self.node.step(captures, self.endpoints, Settings(str(self.base), self.limits), self.now)

    def files(self, capture: str = "c") -> list[str]:
        return sorted(path.name for path in (self.base / "dev" / capture).glob("*.pcap"))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def capture(name: str = "c", uid: str = "uid-1", **spec: Any) -> intent.Capture:
    return intent.read({"metadata": {"name": name, "namespace": "dev", "uid": uid, "generation": 1}, "spec": spec})


def test_from_waiting_to_capturing_to_finished(stage: Stage) -> None:
    (report,) = stage.step(capture())
    assert report.state == "WaitingForTraffic"
    assert report.files == []

    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (report,) = stage.step(capture())
    assert (report.state, report.packets) == ("Capturing", 1)
    assert [file.name for file in report.files] == ["web_cali1.pcap"]
    assert report.directory == str(stage.base)
    assert report.first_packet == report.oldest_packet == "2026-11-25T12:00:00.000000Z"

    (report,) = stage.step(capture(endTime=rfc3339(stage.now)))
    assert (report.state, report.packets) == ("Finished", 1)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (report,) = stage.step(capture(endTime=rfc3339(stage.now)))
    assert report.packets == 1
    assert stage.files() == ["web_cali1.pcap"]


def test_nothing_is_recorded_before_the_window(stage: Stage) -> None:
    later = capture(startTime=rfc3339(NOW + timedelta(seconds=60)))
    (report,) = stage.step(later)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    assert report.state == "Scheduled"
    assert stage.files() == []
    (report,) = stage.step(later, after_s=60)
    assert report.state == "WaitingForTraffic"


def test_filters_narrow_what_is_kept(stage: Stage) -> None:
    narrowed = capture(filters=[{"protocol": "TCP", "ports": [80]}])
    stage.step(narrowed)
    stage.network.deliver("cali1", udp("10.0.0.9", 5000, "10.0.0.1", 80), ns(stage.now))
    stage.network.deliver("cali1", tcp("10.0.0.1", 80, "10.0.0.9", 40000), ns(stage.now))
    (report,) = stage.step(narrowed)
    assert report.packets == 1


def test_changed_filters_begin_a_new_file_and_counters_go_on(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    narrowed = capture(filters=[{"protocol": "TCP"}])
    stage.step(narrowed)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (report,) = stage.step(narrowed)
    assert report.packets == 2
    assert len(stage.files()) == 2


def test_two_captures_of_one_workload_are_independent(stage: Stage) -> None:
    both = (capture(), capture("d", "uid-2"))
    stage.step(*both)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    reports = stage.step(*both)
    assert [report.packets for report in reports] == [1, 1]
    stage.step(both[1])
    assert (stage.files("c"), stage.files("d")) == ([], ["web_cali1.pcap"])


def test_a_deleted_capture_leaves_no_file(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    assert stage.step() == []
    assert not (stage.base / "dev").exists()


def test_an_interface_that_is_not_there_is_an_error_with_its_reason_and_tried_again(stage: Stage) -> None:
    stage.network.interfaces.clear()
    (report,) = stage.step(capture())
    assert (report.state, report.reason) == ("Error", "CannotOpen")
    assert "No such device" in report.message
    stage.network.add("cali1")
    (report,) = stage.step(capture(), after_s=0.5)
    assert report.state == "Error"
    (report,) = stage.step(capture(), after_s=0.5)
    assert report.state == "WaitingForTraffic"


def test_a_disk_that_fills_up_between_two_looks_is_told_as_a_full_one() -> None:
    assert broken("write pod.pcap: No space left on device (os error 28)").reason == "DiskPressure"
    assert broken("disk pressure: 7 bytes free, 9 needed").reason == "DiskPressure"
    assert broken("cali1: Network is down (os error 100)").reason == "CaptureFailed"


def test_an_interface_that_breaks_ends_in_an_error_and_then_in_recovery(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    stage.network.remove("cali1")
    (report,) = stage.step(capture())
    assert (report.state, report.reason) == ("Error", "CaptureFailed")
    assert report.packets == 1
    stage.network.add("cali1")
    stage.step(capture(), after_s=61)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (report,) = stage.step(capture())
    assert (report.state, report.packets) == ("Capturing", 2)


def test_an_interface_made_again_unnoticed_by_the_engine_is_opened_again(stage: Stage) -> None:
    stage.step(capture())
    stage.network.interfaces["cali1"] = 99
    stage.step(capture())
    assert [one.is_open for one in stage.network.captures] == [False, True]


def test_a_pod_that_leaves_ends_its_recording_and_keeps_its_file(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    stage.endpoints = []
    (report,) = stage.step(capture())
    assert (report.state, report.packets) == ("Finished", 1)
    assert stage.files() == ["web_cali1.pcap"]


def test_a_capture_that_selects_nothing_here_is_not_reported(stage: Stage) -> None:
    assert stage.step(capture(selector='app == "redis"')) == []


def test_rotation_keeps_the_budget_and_says_what_it_discarded(stage: Stage) -> None:
    stage.limits = Limits(max_size_bytes=100, max_files=2)
    stage.step(capture())
    for second in range(10):
        stage.network.deliver("cali1", REQUEST, ns(NOW + timedelta(seconds=second)))
    (report,) = stage.step(capture())
    assert report.rotated_files - report.discarded_files == 2
    assert report.discarded_files > 0
    assert report.oldest_packet is not None and report.first_packet is not None
    assert report.oldest_packet > report.first_packet


def test_a_vanished_file_is_noticed_and_recording_goes_on(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (stage.base / "dev" / "c" / "web_cali1.pcap").unlink()
    stage.step(capture())
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    assert stage.files() == ["web_cali1.pcap"]


def test_a_full_disk_is_an_error_and_recording_resumes_with_five_percent_free(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    stage.free = 1
    (report,) = stage.step(capture())
    assert (report.state, report.reason) == ("Error", "DiskPressure")
    assert stage.files() == ["web_cali1.pcap"]
    stage.free = 4
    (report,) = stage.step(capture(), after_s=100)
    assert report.state == "Error"
    stage.free = 5
    (report,) = stage.step(capture(), after_s=100)
    assert report.state == "WaitingForTraffic"


def test_totals_that_the_disk_refuses_keep_nobody_from_telling_the_error(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    with monkeypatch.context() as patched:

        def refuses(folder: Folder, uid: str, totals: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(Folder, "write_marker", refuses)
        stage.free = 0
        (report,) = stage.step(capture())
        assert (report.state, report.reason, report.packets) == ("Error", "DiskPressure", 1)
        stage.node.close()
    stage.free = 100
    (report,) = stage.step(capture(), after_s=100)
    assert (report.state, report.packets) == ("WaitingForTraffic", 1)
    stage.boot()
    (report,) = stage.step(capture())
    assert report.packets == 1


def test_the_nodes_budget_is_kept(stage: Stage) -> None:
    stage.boot(budget_bytes=50)
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    stage.step(capture())
    (report,) = stage.step(capture())
    assert (report.state, report.reason) == ("Error", "DiskPressure")
    assert stage.node.disk.pressure


def test_a_restart_rotates_the_old_file_and_counters_go_on(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    stage.step(capture())
    stage.boot()
    (report,) = stage.step(capture())
    assert (report.state, report.packets) == ("WaitingForTraffic", 1)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    assert len(stage.files()) == 2


def test_a_capture_deleted_while_the_agent_was_away_leaves_no_file(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    stage.boot()
    stage.step()
    assert stage.files() == []


def test_a_successor_of_the_same_name_starts_clean(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (report,) = stage.step(capture(uid="uid-2"))
    assert (report.uid, report.packets, report.files) == ("uid-2", 0, [])


def test_files_of_a_running_capture_cannot_be_deleted(stage: Stage) -> None:
    stage.step(capture())
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    with pytest.raises(BlockingIOError):
        stage.node.delete_files("dev", "c")
    stage.step(capture(endTime=rfc3339(NOW)))
    assert stage.node.delete_files("dev", "c") == 1


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda stage: setattr(stage.network, "disk_full", True), id="disk-full"),
    ],
)
def test_what_the_engine_cannot_write_is_an_error(stage: Stage, break_it: Callable[[Stage], None]) -> None:
    stage.step(capture())
    break_it(stage)
    stage.network.deliver("cali1", REQUEST, ns(stage.now))
    (report,) = stage.step(capture())
    assert (report.state, report.message) == ("Error", "No space left on device")
