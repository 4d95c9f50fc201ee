"""Is a packet lost or told twice when a capture file is full? A capture through the agent while iperf3 sends.

The judge is TCP itself: every byte of the stream has a number, so the files, read one after another, must cover the
numbers from SYN to FIN without a hole; and the sender says how many bytes there were. Where the kernel has dropped
frames because nobody emptied the ring in time, it is tried again more slowly: that is no fault of the rotation.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .evidence import ETHERNET, PCAP_RECORD, TCP, pcap_records
from .host import Failed, Host, wait_for
from .pods import inside, pod_of, started

RATES = ("0", "200M", "40M", "10M")  # iperf3 reads 0 as no limit
STREAM_BYTES = 30_000_000
PORT = 5201
COOKIE_BYTES = 37  # by which iperf3 tells which connection is which
FILE_BYTES = 1_500_000
FILES_MIN = 5
WITHIN_S = 40.0
CAPTURE = {
    "apiVersion": "projectcalico.org/v3", "kind": "PacketCapture", "metadata": {"name": "rotated", "namespace": "dev"},
    "spec": {"selector": "app == 'netshoot'", "filters": [{"protocol": "TCP", "ports": [PORT]}]},
}  # fmt: skip
SYN, FIN = 2, 1


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment as the file has it: payload_len by the headers, whatever was captured of it."""

    source: tuple[bytes, int]
    dest: tuple[bytes, int]
    seq: int
    payload_len: int
    flags: int


def perform(folder: Path, _options: argparse.Namespace) -> dict[str, Any]:
    host = Host(folder / "data", observed=1)
    account: dict[str, Any] = {"runs": [], "findings": []}
    try:
        host.up()
        host.kodkod("lab", "up")
        host.configured(captureMaxSizeBytes=FILE_BYTES, captureMaxFiles=100_000)
        for rate in RATES:
            found = one_run(host, rate)
            account["runs"].append(found)
            print(json.dumps(found), file=sys.stderr)
            if not found["kernel drops"]:
                break
        last = account["runs"][-1]
        account["findings"] += [f"{last['rate']}: {text}" for text in last.pop("findings")]
    except Failed as failed:
        account["findings"].append(str(failed))
    account["findings"] += host.taken_down()
    return account


def one_run(host: Host, rate: str) -> dict[str, Any]:
    """A fresh capture, a stream, the files."""
    host.applied(CAPTURE)
    wait_for(lambda: host.is_back("agent"), WITHIN_S, "the capture")
    server, client = pod_of(host, "dev", "centos"), pod_of(host, "dev", "netshoot")
    listening = started(host, server, "iperf3", "-s", "-1", "-p", str(PORT))
    time.sleep(0.5)
    said = inside(
        host, client, "iperf3", "-c", server.address, "-p", str(PORT), "-n", str(STREAM_BYTES), "-b", rate, "--json"
    )
    listening.wait(10)
    end = json.loads(said.stdout)["end"]
    sent, received = int(end["sum_sent"]["bytes"]), int(end["sum_received"]["bytes"])
    report = settled_report(host)
    files = sorted((host.data / "pcap/dev/rotated").glob("*.pcap"), key=first_moment)
    found: dict[str, Any] = {
        "rate": rate, "bytes sent": sent, "packets": report["packets"], "files": len(files),
        "kernel drops": sum((report.get("drops") or {}).values()),
    }  # fmt: skip
    found["findings"] = list(judge(files, report, sent, received)) + list(opened(files, report["packets"]))
    host.kubectl("-n", "dev", "delete", "packetcapture", "rotated")
    wait_for(lambda: not (host.data / "pcap/dev/rotated").exists(), WITHIN_S, "the files are gone with their capture")
    return found


def settled_report(host: Host) -> dict[str, Any]:
    """What the agent reports once the numbers stand still."""
    seen: list[int] = []

    def still() -> bool:
        (line,) = host.report("agent")["captures"]
        seen.append(int(line["packets"]))
        time.sleep(1)
        return len(seen) > 12 and len(set(seen[-12:])) == 1 and seen[-1] > 0

    wait_for(still, WITHIN_S, "the capture's counters stand still")
    (line,) = host.report("agent")["captures"]
    return dict(line)


def judge(files: list[Path], report: dict[str, Any], sent: int, received: int) -> Iterator[str]:
    """Every byte of the stream once, in as many files as it takes.

    sent, received: by the two ends; what the sender gave its socket last may never have left it.
    """
    if len(files) < FILES_MIN:
        yield f"only {len(files)} files: nothing was rotated"
    records = [record for path in files for record in pcap_records(path.read_bytes())]
    if len(records) != report["packets"]:
        yield f"{len(records)} packets in the files, {report['packets']} reported"
    twice = sum(count - 1 for count in Counter(records).values())
    if twice:
        yield f"{twice} packets are there twice"
    streams: dict[tuple[Any, Any], list[Segment]] = {}
    for record in records:
        segment = read(record[PCAP_RECORD.size :])
        if segment is not None:
            streams.setdefault((segment.source, segment.dest), []).append(segment)
    covered = []
    for segments in streams.values():
        length, holes = coverage(segments)
        covered.append(length)
        yield from (f"a stream has a hole of {size} bytes after {start}" for start, size in holes[:5])
    if not any(received <= length <= sent + COOKIE_BYTES for length in covered):
        yield f"{sent} bytes were sent, {received} received, the streams have {covered}"


def read(frame: bytes) -> Segment | None:
    if frame[12:14] != b"\x08\x00" or frame[ETHERNET + 9] != TCP:
        return None
    start = ETHERNET + (frame[ETHERNET] & 0xF) * 4
    (total,) = struct.unpack_from("!H", frame, ETHERNET + 2)
    source, dest, seq = struct.unpack_from("!HHI", frame, start)
    header = (frame[start + 12] >> 4) * 4
    payload = ETHERNET + total - start - header
    addresses = frame[ETHERNET + 12 : ETHERNET + 16], frame[ETHERNET + 16 : ETHERNET + 20]
    return Segment((addresses[0], source), (addresses[1], dest), seq, payload, frame[start + 13])


def coverage(segments: list[Segment]) -> tuple[int, list[tuple[int, int]]]:
    """Bytes of one direction from SYN to FIN, and the holes in them as (start, size)."""
    first = next((one for one in segments if one.flags & SYN), None)
    if first is None:
        return 0, [(0, 0)]
    spans, last = [], 0
    for one in segments:
        start = (one.seq - first.seq - 1 + (1 if one.flags & SYN else 0)) % 2**32
        if one.payload_len:
            spans.append((start, start + one.payload_len))
        if one.flags & FIN:
            last = start + one.payload_len
    holes, reached = [], 0
    for start, end in sorted(spans):
        if start > reached:
            holes.append((reached, start - reached))
        reached = max(reached, end)
    if last > reached:
        holes.append((reached, last - reached))
    return reached, holes


def opened(files: list[Path], packets: int, *, exact: bool = True) -> Iterator[str]:
    """What the two programs that people use say of each file. exact: and whether they see so many packets in all."""
    for program, words in (("tcpdump", ["-nn", "-r"]), ("tshark", ["-n", "-T", "fields", "-e", "frame.number", "-r"])):
        lines = 0
        for path in files:
            done = subprocess.run([program, *words, str(path)], capture_output=True, text=True, check=False)
            lines += len(done.stdout.splitlines())
            if done.returncode:
                yield f"{program} does not open {path.name}: {done.stderr.strip()[-200:]}"
        if exact and lines != packets:
            yield f"{program} sees {lines} packets, {packets} are reported"


def first_moment(path: Path) -> tuple[int, int]:
    seconds, fraction = struct.unpack_from("<II", path.read_bytes()[:40], 24)
    return int(seconds), int(fraction)
