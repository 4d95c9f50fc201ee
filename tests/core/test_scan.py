"""A capture file is judged to its end or to a named offset, and the same bytes give the same alerts."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import pytest

from kodkod._core import RuleSet, Scan

RULES = b"""
alert udp any any -> any 53 (msg:"bad"; content:"bad"; sid:1;)
alert udp any any -> any 53 (msg:"broken"; content:"x; sid:2;)
alert icmp any any -> any any (msg:"ping"; itype:8; sid:3; priority:3;)
"""


def ipv4(protocol: int, payload: bytes) -> bytes:
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, b"\x0a\0\0\x01", b"\x0a\0\0\x02"
    )
    return b"\x02" * 12 + b"\x08\x00" + head + payload


def udp(payload: bytes, port: int = 53) -> bytes:
    return ipv4(17, struct.pack(">HHHH", 4000, port, 8 + len(payload), 0) + payload)


def pcap(*frames: bytes) -> bytes:
    records = (struct.pack("<4I", 1_700_000_000 + at, 5, len(f), len(f)) + f for at, f in enumerate(frames))
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records)


FRAMES = [udp(b"good"), udp(b"a bad one"), ipv4(1, b"\x08\0\0\0abcd"), udp(b"bad", 99), udp(b"bad again")]


def judge(path: Path, **options: Any) -> list[Any]:
    scan = Scan(RuleSet.compile([("r", RULES)]), **options)
    return [alert for batch in scan.file(str(path)) for alert in batch]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_alerts_come_in_packet_order_with_all_that_is_known(tmp_path: Path, packed: bool) -> None:
    content = pcap(*FRAMES)
    (tmp_path / "a.pcap").write_bytes(gzip.compress(content) if packed else content)
    alerts = judge(tmp_path / "a.pcap", explain=True)
    assert [(alert["packet"], alert["sid"]) for alert in alerts] == [(2, 1), (3, 3), (5, 1)]
    first, ping, _ = alerts
    assert first["ts_ns"] == 1_700_000_001_000_005_000
    assert (first["src_ip"], first["src_port"], first["dst_ip"], first["dst_port"]) == (
        "10.0.0.1",
        4000,
        "10.0.0.2",
        53,
    )
    assert (first["proto"], first["direction"], first["vlan"]) == ("UDP", "to_server", None)
    assert (ping["proto"], ping["src_port"], ping["priority"]) == ("ICMP", None, 3)
    assert [(why["offset"], bytes.fromhex(why["bytes"]), why["packets"]) for why in first["why"]] == [(2, b"bad", [2])]


def test_receipts_say_what_became_of_each_rule() -> None:
    rules = RuleSet.compile([("my.rules", RULES)])
    assert (rules.full, rules.degraded, rules.skipped) == (2, 0, 1)
    receipts = rules.receipts()
    assert [(receipt["file"], receipt["line"], receipt["status"]) for receipt in receipts] == [
        ("my.rules", 2, "full"),
        ("my.rules", 3, "skipped"),
        ("my.rules", 4, "full"),
    ]
    assert receipts[1]["reasons"][0]["message"]
    assert RuleSet.compile([("my.rules", RULES)]).digest == rules.digest


def test_a_compiled_set_is_taken_from_the_cache(tmp_path: Path) -> None:
    made = [RuleSet.compile([("my.rules", RULES)], cache_dir=str(tmp_path)).cache for _ in range(2)]
    assert made == ["miss", "hit"]


def test_a_broken_file_gives_what_is_before_the_break_and_its_offset(tmp_path: Path) -> None:
    (tmp_path / "cut.pcap").write_bytes(pcap(*FRAMES)[:-3])
    scan = Scan(RuleSet.compile([("r", RULES)]))
    found: list[Any] = []
    with pytest.raises(ValueError, match="byte offset 272: the file ends early"):
        for batch in scan.file(str(tmp_path / "cut.pcap")):
            found += batch
    assert [alert["packet"] for alert in found] == [2, 3]
    assert scan.stats()["packets"] == 4


def test_what_is_no_capture_or_is_missing(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello, this is no capture")
    with pytest.raises(ValueError, match="byte offset 0: neither pcap nor pcapng"):
        judge(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        judge(tmp_path / "missing")
    with pytest.raises(OSError):
        judge(tmp_path)


def test_numbers_sum_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap(*FRAMES))
    scan = Scan(RuleSet.compile([("r", RULES)]))
    for _ in range(2):
        assert sum(len(batch) for batch in scan.file(str(tmp_path / "a.pcap"))) == 3
    stats = scan.stats()
    assert (stats["packets"], stats["alerts"], stats["flows"]) == (10, 6, 6)
    assert stats["bytes"] == 2 * sum(map(len, FRAMES))
    assert stats["file_offset"] == (tmp_path / "a.pcap").stat().st_size


def test_wrong_checksums_are_left_out_if_asked(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(pcap(*FRAMES))
    scan = Scan(RuleSet.compile([("r", RULES)]), checksums="verify")
    assert [batch for batch in scan.file(str(tmp_path / "a.pcap")) if batch] == []
    drops = scan.stats()["drops"]
    assert isinstance(drops, dict)
    assert sum(drops.values()) == 5


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="snort4"):
        RuleSet.compile([], dialect="snort4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="maybe"):
        Scan(RuleSet.compile([]), checksums="maybe")  # type: ignore[arg-type]
