"""`kodkod scan` and `kodkod rules`, run as people run them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

RULE = 'alert udp any any -> $DNS 53 (msg:"bad \\"name\\""; content:"bad"; sid:1; rev:4; classtype:trojan-activity;)\n'
KEYS = [
    *("ts", "file", "packet", "gid", "sid", "rev", "msg", "class", "priority", "action", "proto"),
    *("src_ip", "src_port", "dst_ip", "dst_port", "direction", "app_proto", "flow_id", "vlan"),
]


def kodkod(*arguments: object, data: Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"KODKOD_DATA": str(data), "NO_COLOR": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "kodkod.cli.app", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=120, check=False)


def udp(payload: bytes) -> bytes:
    datagram = struct.pack(">HHHH", 4000, 53, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 0, 0, 64, 17, 0, b"\x0a\0\0\x01", b"\x0a\0\0\x02")
    return b"\x02" * 12 + b"\x08\x00" + head + datagram


def pcap(*frames: bytes) -> bytes:
    records = (struct.pack("<4I", 1_700_000_000 + at, 123456, len(f), len(f)) + f for at, f in enumerate(frames))
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.pcap").write_bytes(pcap(udp(b"good"), udp(b"a bad one")))
    (tmp_path / "my.rules").write_text(RULE)
    return tmp_path


def test_json_lines_have_the_contract_s_keys_in_order(folder: Path) -> None:
    run = kodkod("scan", folder / "a.pcap", "--rules", folder / "my.rules", "-o", "json", data=folder)
    assert run.returncode == 0
    [line] = run.stdout.decode().splitlines()
    record = json.loads(line)
    assert list(record) == KEYS
    assert record["ts"] == "2023-11-14T22:13:21.123456Z"
    assert (record["file"], record["packet"], record["sid"], record["rev"]) == (str(folder / "a.pcap"), 2, 1, 4)
    assert (record["class"], record["priority"], record["action"]) == ("trojan-activity", 1, "alert")
    assert (record["dst_port"], record["direction"], record["vlan"]) == (53, "to_server", None)
    assert b"1 alerts in 2 packets" in run.stderr


def test_an_explanation_names_the_bytes(folder: Path) -> None:
    run = kodkod("scan", folder / "a.pcap", "--rules", folder, "-o", "json", "--explain", data=folder)
    [why] = [why for why in json.loads(run.stdout)["why"] if why["option"].startswith("content")]
    assert (why["offset"], why["length"], bytes.fromhex(why["bytes"]), why["packets"]) == (2, 3, b"bad", [2])
    assert set(why) == {"option", "buffer", "offset", "length", "bytes", "packets"}


def test_the_fast_line_is_snort_s(folder: Path) -> None:
    run = kodkod("scan", folder / "a.pcap", "--rules", folder / "my.rules", "-o", "fast", data=folder)
    assert run.stdout.decode() == (
        '23/11/14-22:13:21.123456 [**] [1:1:4] "bad "name"" [**] [Classification: A Network Trojan was detected] '
        "[Priority: 1] {UDP} 10.0.0.1:4000 -> 10.0.0.2:53\n"
    )


def test_the_table_has_a_row_for_each_alert(folder: Path) -> None:
    run = kodkod("scan", folder / "a.pcap", "--rules", folder / "my.rules", data=folder)
    header, row = run.stdout.decode().splitlines()
    assert header.split()[:3] == ["TIME", "PACKET", "RULE"]
    assert row.split()[1:3] == ["2", "1:1:4"]


def test_standard_input_is_a_file_too(folder: Path) -> None:
    content = (folder / "a.pcap").read_bytes()
    run = kodkod("scan", "-", "--rules", folder / "my.rules", "-o", "json", data=folder, stdin=content)
    assert json.loads(run.stdout)["file"] == "-"


def test_a_variable_narrows_a_rule(folder: Path) -> None:
    scan = ["scan", folder / "a.pcap", "--rules", folder / "my.rules", "-o", "json"]
    assert kodkod(*scan, "--var", "DNS=10.0.0.2", data=folder).stdout
    assert not kodkod(*scan, "--var", "DNS=10.0.0.3", data=folder).stdout


def test_numbers_of_the_run(folder: Path) -> None:
    stats = folder / "stats.json"
    kodkod("scan", folder / "a.pcap", "--rules", folder / "my.rules", "--stats", stats, data=folder)
    numbers = json.loads(stats.read_text())
    expected = "packets bytes flows alerts load_s engine_s wall_s rss_peak_bytes mb_per_s rules_full rules_degraded"
    assert list(numbers) == [*expected.split(), "rules_skipped", "drops", "cache"]
    assert (numbers["packets"], numbers["flows"], numbers["alerts"], numbers["rules_full"]) == (2, 1, 1, 1)
    assert isinstance(numbers["drops"], dict)
    assert numbers["wall_s"] >= numbers["load_s"] > 0


def test_a_broken_file_is_told_by_its_offset_and_the_others_are_judged(folder: Path) -> None:
    (folder / "cut.pcap").write_bytes((folder / "a.pcap").read_bytes()[:-1])
    files = [folder / "cut.pcap", folder / "missing.pcap", folder / "a.pcap"]
    run = kodkod("scan", *files, "--rules", folder / "my.rules", "-o", "json", data=folder)
    assert run.returncode == 2
    assert b"cut.pcap: byte offset 86: the file ends early" in run.stderr
    assert b"missing.pcap" in run.stderr
    assert json.loads(run.stdout)["file"] == str(folder / "a.pcap")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--rules", "missing.rules"], b"missing.rules: No such file"),
        (["--var", "nonsense"], b"'nonsense' is not NAME=VALUE"),
        (["-o", "xml"], b"xml"),
        (["--checksums", "perhaps"], b"perhaps"),
    ],
)
def test_wrong_usage_is_2(folder: Path, arguments: list[str], complaint: bytes) -> None:
    run = kodkod("scan", folder / "a.pcap", *arguments, data=folder)
    assert run.returncode == 2
    assert complaint in run.stderr
    assert run.stdout == b""


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    (folder / "many.pcap").write_bytes(pcap(*[udp(b"bad")] * 20_000))
    environment = os.environ | {"KODKOD_DATA": str(folder)}
    command = f"{sys.executable} -m kodkod.cli.app scan many.pcap --rules my.rules -o json | head -1"
    run = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)
    assert len(run.stdout.splitlines()) == 1
    assert b"Traceback" not in run.stderr
    assert b"BrokenPipe" not in run.stderr


def test_the_starter_set_is_the_default(folder: Path) -> None:
    run = kodkod("scan", folder / "a.pcap", data=folder)
    assert run.returncode == 0
    assert b"rules: 0 full" not in run.stderr


def test_a_small_file_is_judged_at_once(folder: Path) -> None:
    kodkod("scan", folder / "a.pcap", data=folder)
    began = time.monotonic()
    kodkod("scan", folder / "a.pcap", data=folder)
    # The promise is 300 ms on a quiet machine, which benches measure; here it only must not be far off.
    assert time.monotonic() - began < 5


def test_check_gives_a_receipt_for_every_rule(folder: Path) -> None:
    (folder / "bad.rules").write_text('alert tcp any any -> any any (msg:"x"; content:"y; sid:2;)\n' + RULE)
    run = kodkod("rules", "check", folder / "bad.rules", "-o", "json", data=folder)
    assert run.returncode == 1
    receipts = [json.loads(line) for line in run.stdout.splitlines()]
    assert [list(receipt) for receipt in receipts] == [["file", "line", "gid", "sid", "rev", "status", "reasons"]] * 2
    assert [(receipt["line"], receipt["status"]) for receipt in receipts] == [(1, "skipped"), (2, "full")]
    assert set(receipts[0]["reasons"][0]) == {"code", "message", "column"}
    assert b"2 rules: 1 full, 0 degraded, 1 skipped" in run.stderr
    table = kodkod("rules", "check", folder / "bad.rules", data=folder).stdout.decode()
    assert table.splitlines()[0].startswith(f"{folder / 'bad.rules'}:1:")


def test_check_of_good_rules_is_0_and_of_nothing_2(folder: Path) -> None:
    assert kodkod("rules", "check", folder, data=folder).returncode == 0
    assert kodkod("rules", "check", folder / "missing", data=folder).returncode == 2
    (folder / "empty").mkdir()
    assert kodkod("rules", "check", folder / "empty", data=folder).returncode == 2


def test_install_list_and_refuse(folder: Path) -> None:
    data = folder / "data"
    run = kodkod("rules", "install", folder / "my.rules", "--name", "team", "--replace-default", data=data)
    assert run.returncode == 0, run.stderr
    [ruleset] = json.loads(kodkod("rules", "list", "-o", "json", data=data).stdout)
    assert (ruleset["name"], ruleset["full"], ruleset["replaces_default"]) == ("team", 1, True)
    assert "team" in kodkod("rules", "list", data=data).stdout.decode()
    (folder / "my.rules").write_text("<html>504 Gateway Timeout</html>")
    refused = kodkod("rules", "install", folder / "my.rules", "--name", "team", data=data)
    assert refused.returncode == 2
    assert b"what was installed before stays" in refused.stderr
    assert json.loads(kodkod("rules", "list", "-o", "json", data=data).stdout) == [ruleset]


@pytest.mark.corpora
def test_the_walk_through_captures_raise_their_alerts(tmp_path: Path) -> None:
    corpora = os.environ.get("KODKOD_CORPORA")
    if not corpora:
        pytest.skip("KODKOD_CORPORA is unset")
    folder = Path(corpora) / "pcaps" / "walkthrough"
    for name, expected in json.loads((folder / "expected.json").read_text())["files"].items():
        rules = Path(corpora) / "rules" / "snort3-community.rules"
        run = kodkod("scan", folder / name, "--rules", rules, "-o", "json", data=tmp_path)
        sids = [str(json.loads(line)["sid"]) for line in run.stdout.splitlines()]
        ours = {sid: sids.count(sid) for sid in ("21562", "57461", "1002", "2585") if sid in sids}
        assert ours == expected, name
