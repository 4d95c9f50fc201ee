"""Packets of an interface become alerts, flows and DNS exchanges; rules are swapped and interfaces come and go."""

from __future__ import annotations

import errno
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from kodkod._core import Live, RuleSet

PORT = 777
XXX = b'alert udp any any -> any 777 (msg:"xxx seen"; content:"xxx"; sid:1; rev:2; classtype:trojan-activity;)'
YYY = b'alert udp any any -> any 777 (msg:"yyy seen"; content:"yyy"; sid:2;)'


def rules(text: bytes) -> RuleSet:
    return RuleSet.compile([("test.rules", text)])


def gather(live: Live, kind: str, enough: Callable[[list[Any]], bool], *, within_s: float = 20) -> list[Any]:
    deadline = time.monotonic() + within_s
    found: list[Any] = []
    while not enough(found):
        assert time.monotonic() < deadline, f"only {found}"
        found += live.drain(0.2)[kind]  # type: ignore[literal-required]
    return found


def gather_packets(live: Live, count: int, *, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while live.counters()[1]["packets"] < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def live() -> Any:
    made = Live(workers=2, memory_bytes=64 << 20)
    yield made
    made.close()


@pytest.mark.netns
def test_a_packet_that_a_rule_names_is_an_alert_of_its_endpoint(wire: Any, live: Live) -> None:
    live.attach(7, "right", netns=wire.right, rules=rules(XXX))
    live.attach(8, "left", netns=wire.left)
    wire.send_datagrams(PORT, 0, 3)
    alerts = gather(live, "alerts", lambda alerts: len(alerts) >= 3)
    assert [(alert["tag"], alert["sid"], alert["rev"], alert["msg"]) for alert in alerts] == [(7, 1, 2, "xxx seen")] * 3
    assert {(alert["src_ip"], alert["dst_ip"], alert["dst_port"], alert["proto"]) for alert in alerts} == {
        ("10.9.0.1", "10.9.0.2", PORT, "UDP")
    }
    assert alerts[0]["priority"] == 1
    assert any(bytes.fromhex(why["bytes"]).startswith(b"xxx") for why in alerts[0]["why"])


@pytest.mark.netns
def test_rules_are_swapped_without_losing_the_interface(wire: Any, live: Live) -> None:
    live.attach(1, "right", netns=wire.right, rules=rules(YYY))
    wire.send_datagrams(PORT, 0, 3)
    live.flush()
    live.set_rules(1, rules(XXX))
    wire.send_datagrams(PORT, 0, 1)
    assert [alert["sid"] for alert in gather(live, "alerts", bool)] == [1]
    live.set_rules(1, None)
    wire.send_datagrams(PORT, 0, 3)
    assert live.drain(0.3)["alerts"] == []


@pytest.mark.netns
def test_flows_are_told_when_flushed_and_once(wire: Any, live: Live) -> None:
    live.attach(1, "right", netns=wire.right, facts=["flows"])
    wire.send_datagrams(PORT, 0, 5)
    live.flush()
    is_ours = [flow for flow in live.drain(1)["flows"] if flow["server_port"] == PORT]
    assert len(is_ours) == 1
    flow = is_ours[0]
    assert (flow["client_ip"], flow["server_ip"], flow["proto"], flow["tag"]) == ("10.9.0.1", "10.9.0.2", 17, 1)
    assert (flow["packets_to_server"], flow["bytes_to_server"], flow["started"]) == (5, 5 * 128, True)
    assert flow["community_id"].startswith("1:")
    live.flush()
    assert [flow for flow in live.drain(0.2)["flows"] if flow["server_port"] == PORT] == []


@pytest.mark.netns
def test_detaching_tells_what_was_open_and_frees_the_tag(wire: Any, live: Live) -> None:
    live.attach(1, "right", netns=wire.right, facts=["flows"])
    wire.send_datagrams(PORT, 0, 5)
    live.flush()
    live.drain(1)
    wire.send_datagrams(PORT, 0, 5)
    live.detach(1)
    assert PORT in [flow["server_port"] for flow in live.drain(1)["flows"]]
    assert live.counters() == {}
    live.attach(1, "right", netns=wire.right)


@pytest.mark.netns
def test_counters_tell_packets_drops_and_why_nothing_comes(wire: Any, live: Live) -> None:
    live.attach(1, "right", netns=wire.right, facts=["flows"])
    wire.send_datagrams(PORT, 0, 100)
    gather_packets(live, 100)
    deadline = time.monotonic() + 20
    assert live.counters()[1]["drops"]["kernel"] == 0
    assert live.counters()[1]["error"] is None
    subprocess.run(["ip", "-n", wire.right, "link", "del", "right"], check=True)
    while live.counters()[1]["error"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert live.counters()[1]["error"] == "the interface is gone"


@pytest.mark.netns
def test_a_tag_is_attached_once(wire: Any, live: Live) -> None:
    live.attach(1, "right", netns=wire.right)
    with pytest.raises(ValueError, match="attached already"):
        live.attach(1, "left", netns=wire.left)
    with pytest.raises(ValueError, match="not attached"):
        live.detach(2)
    with pytest.raises(OSError) as caught:
        live.attach(2, "nowhere", netns=wire.left)
    assert caught.value.errno == errno.ENODEV


def test_a_closed_engine_says_so() -> None:
    live = Live()
    live.close()
    live.close()
    assert live.drain(0) == {"alerts": [], "flows": [], "dns": []}
    with pytest.raises(ValueError, match="closed"):
        live.attach(1, "lo")
    with pytest.raises(ValueError, match="not one of"):
        live.attach(1, "lo", facts=["packets"])  # type: ignore[list-item]


def test_a_long_drain_lets_others_run_and_hears_a_signal() -> None:
    live = Live()
    main = threading.get_ident()
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        live.drain(30)
    timer.join()
    live.close()
