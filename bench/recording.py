"""Does a capture keep up? iperf3 over a pair of interfaces, recorded whole with the default ring; needs root.

A row a rate: what iperf3 got through, the share of frames that the ring had no room for or the disk did not take,
and what the capture's threads cost. Sender, receiver and recorder share the machine's processors.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from kodkod._core import Capture

if TYPE_CHECKING:
    from kodkod._core import CaptureCounters

RATES_GBIT = (1, 3, 5)
SECONDS = 8
PORT = 5201
LEFT, RIGHT = f"kk-bench-{os.getpid()}l", f"kk-bench-{os.getpid()}r"


def measure() -> list[dict[str, object]]:
    if not _ip(f"netns add {LEFT}"):
        print("no right to make network namespaces: not measured")
        return []
    try:
        _ip(f"netns add {RIGHT}")
        _ip(f"link add left netns {LEFT} type veth peer name right netns {RIGHT}")
        for namespace, interface, host in [(LEFT, "left", 1), (RIGHT, "right", 2)]:
            _ip(f"-n {namespace} addr add 10.9.0.{host}/24 dev {interface}")
            _ip(f"-n {namespace} link set {interface} up")
        return [record(rate, mtu) for mtu in (1500, 65535) for rate in RATES_GBIT]
    finally:
        _ip(f"netns del {LEFT}")
        _ip(f"netns del {RIGHT}")


def record(rate_gbit: float, gso_bytes: int) -> dict[str, object]:
    """gso_bytes: the largest frame that segmentation offload may make."""
    _ip(f"-n {LEFT} link set left gso_max_size {gso_bytes}")
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        server = subprocess.Popen(
            ["ip", "netns", "exec", RIGHT, "iperf3", "-s", "-1", "-p", str(PORT)], stdout=subprocess.DEVNULL
        )
        time.sleep(0.5)
        capture = Capture("right", netns=RIGHT, directory=folder, stem="bench", max_size_bytes=100_000_000, max_files=5)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        client = subprocess.run(
            ["ip", "netns", "exec", LEFT, *f"iperf3 -c 10.9.0.2 -p {PORT} -J -t {SECONDS} -b {rate_gbit}G".split()],
            capture_output=True,
            text=True,
            check=True,
        )
        elapsed = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
        server.wait(10)
        capture.flush()
        counters = capture.counters()
        capture.close()
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    reached = json.loads(client.stdout)["end"]["sum_received"]["bits_per_second"] / 1e9
    return {
        "frames up to": gso_bytes,
        "Gbit/s asked": rate_gbit,
        "Gbit/s reached": reached,
        "packets": counters["packets"],
        **lost(counters),
        "CPU %": 100 * cpu_s / elapsed,
        "files": counters["rotated_files"],
    }


def lost(counters: CaptureCounters) -> dict[str, object]:
    drops = counters["drops"]
    total = counters["packets"] + sum(drops.values())
    return {f"{reason} drops %": 100 * count / max(total, 1) for reason, count in drops.items()}


def _ip(arguments: str) -> bool:
    return subprocess.run(["ip", *arguments.split()], capture_output=True, check=False).returncode == 0
