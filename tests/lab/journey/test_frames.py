"""The offline journey's captures: what we build, scapy and the engine read."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.utils import rdpcap

from kodkod.lab import journey
from kodkod.lab.journey import offline


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    offline.write_captures(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", offline.REQUESTS)
def test_a_request_is_a_whole_connection_with_right_checksums(captures: Path, name: str) -> None:
    packets = rdpcap(str(captures / f"{name}.pcap"))
    said = b"".join(bytes(packet[TCP].payload) for packet in packets if packet[TCP].dport == 80)
    assert said == offline.REQUESTS[name][0]
    assert [str(packet[TCP].flags) for packet in packets[:3]] == ["S", "SA", "A"]
    assert [str(packet[TCP].flags) for packet in packets[-3:]] == ["FA", "FA", "A"]
    for packet in packets:
        rebuilt = packet[IP].copy()
        del rebuilt.chksum, rebuilt[TCP].chksum
        assert bytes(IP(bytes(rebuilt))) == bytes(packet[IP])


def test_the_same_files_are_made_each_time(tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        offline.write_captures(folder)
        made.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert made[0] == made[1]


def test_the_offline_journey_happens(tmp_path: Path) -> None:
    pytest.importorskip("kodkod._core", reason="the engine is not built")
    told = StringIO()
    outcome = journey.walk_offline(journey.Surroundings(tmp_path, None, told))
    assert outcome.whole, told.getvalue()
    assert len(outcome.happened) == len(offline.REQUESTS)
