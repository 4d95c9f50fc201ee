"""Every packet of a busy interface is in a file or counted as lost; a disk that stands still does not stop the ring."""

from __future__ import annotations

import itertools
import json
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kodkod._core import Capture

if TYPE_CHECKING:
    from kodkod._core import FilterRule

pytestmark = pytest.mark.netns

PORT = 5201
SECONDS = 4
NUMBER_AT = 14 + 20 + 8 + 8  # behind Ethernet, IPv4, UDP and the time that iperf3 writes first


def ip(arguments: str) -> str:
    return subprocess.run(["ip", *arguments.split()], capture_output=True, text=True, check=True).stdout


def kernel_packets(namespace: str, interface: str) -> int:
    stats = json.loads(ip(f"-n {namespace} -j -s link show dev {interface}"))[0]["stats64"]
    return int(stats["rx"]["packets"] + stats["tx"]["packets"])


def quieten(wire: Any) -> None:
    """Nothing but what the test sends: no IPv6, no ARP."""
    for namespace, interface, other in [(wire.left, "left", "right"), (wire.right, "right", "left")]:
        address = json.loads(ip(f"-n {peer(wire, namespace)} -j link show dev {other}"))[0]["address"]
        host = 2 if interface == "left" else 1
        wire.run(namespace, "open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w').write('1')")
        ip(f"-n {namespace} neigh replace 10.9.0.{host} lladdr {address} nud permanent dev {interface}")


def peer(wire: Any, namespace: str) -> str:
    return str(wire.right if namespace == wire.left else wire.left)


def iperf3(wire: Any, rate: str) -> None:
    """A stream of numbered datagrams from left to right."""
    server = ["ip", "netns", "exec", wire.right, "iperf3", "-s", "-1", "-p", str(PORT), "--forceflush"]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "listening" not in process.stdout.readline():
            pass
        client = ["ip", "netns", "exec", wire.left, "iperf3", "-c", "10.9.0.2", "-p", str(PORT), "-u", "-l", "1400"]
        subprocess.run([*client, "-b", rate, "-t", str(SECONDS)], check=True, stdout=subprocess.DEVNULL, timeout=60)
        process.communicate(timeout=30)


def frames_of(directory: Path) -> Iterator[bytes]:
    """Frames of all files, oldest first; read by hand, not by the code under test."""
    for path in sorted(directory.iterdir(), key=lambda path: (path.name == "load.pcap", path.name)):
        content = path.read_bytes()
        offset = 24
        while offset < len(content):
            captured = struct.unpack("<4I", content[offset : offset + 16])[2]
            yield content[offset + 16 : offset + 16 + captured]
            offset += 16 + captured
        assert offset == len(content), path


def datagram_numbers(frames: list[bytes]) -> list[int]:
    is_ours = (17).to_bytes(1, "big"), PORT.to_bytes(2, "big")
    return [
        int.from_bytes(frame[NUMBER_AT : NUMBER_AT + 4], "big")
        for frame in frames
        if (frame[23:24], frame[36:38]) == is_ours and len(frame) > 1400
    ]


def test_at_a_rotation_under_load_no_packet_is_lost_or_doubled(wire: Any, tmp_path: Path) -> None:
    quieten(wire)
    before = kernel_packets(wire.right, "right")
    capture = Capture(
        "right", netns=wire.right, directory=str(tmp_path), stem="load", max_size_bytes=2_000_000, max_files=1000
    )
    iperf3(wire, "300M")
    capture.flush()
    capture.rotate()
    capture.close()
    passed = kernel_packets(wire.right, "right") - before
    counters, frames = capture.counters(), list(frames_of(tmp_path))
    numbers = datagram_numbers(frames)
    assert counters["rotated_files"] > 20
    assert counters["packets"] + sum(counters["drops"].values()) == passed
    assert len(frames) == counters["packets"]
    # In order and once each, over all files; what is missing between first and last is what was counted as lost.
    assert len(numbers) > 10_000
    assert all(later > earlier for earlier, later in itertools.pairwise(numbers))
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    assert missing <= sum(counters["drops"].values())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, which can be made to stand still."""
    image, mounted = tmp_path / "image", tmp_path / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(400_000_000)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], capture_output=True, check=False)
    if made.returncode != 0 or not root("mount", "-o", "loop", str(image), str(mounted)):
        pytest.skip("no right to mount a file system")
    try:
        yield mounted
    finally:
        root("fsfreeze", "-u", str(mounted))
        root("umount", str(mounted))


def root(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_disk_that_stands_still_does_not_stop_the_ring(wire: Any, disk: Path) -> None:
    quieten(wire)
    directory = disk / "captures"
    is_sent: list[FilterRule] = [{"protocol": 17}]  # and not the refusals that come back
    capture = Capture("right", netns=wire.right, directory=str(directory), stem="load", filters=is_sent, max_files=9)
    wire.send_datagrams(777, 0, 10)
    capture.flush()
    assert root("fsfreeze", "-f", str(disk))
    # Five times what the ring of 2 MiB holds; each batch fits into it twice.
    for batch in range(14):
        wire.send_datagrams(777, 10 + batch * 500, 500, size=1400)
    time.sleep(0.1)
    assert capture.counters()["drops"]["kernel"] == 0
    assert root("fsfreeze", "-u", str(disk))
    capture.close()
    assert capture.counters()["drops"] == {"kernel": 0, "disk": 0}
    numbers = [int.from_bytes(frame[42:46], "big") for frame in frames_of(directory)]
    assert numbers == list(range(10 + 14 * 500))


def test_what_a_standing_disk_cannot_take_is_counted(wire: Any, disk: Path) -> None:
    quieten(wire)
    directory = disk / "captures"
    before = kernel_packets(wire.right, "right")
    capture = Capture("right", netns=wire.right, directory=str(directory), stem="load", max_files=1000)
    assert root("fsfreeze", "-f", str(disk))
    wire.send_datagrams(777, 0, 70_000, size=1400)  # a hundred megabytes, more than may wait in memory
    deadline = time.monotonic() + 20
    while capture.counters()["drops"]["disk"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert root("fsfreeze", "-u", str(disk))
    capture.close()
    counters, frames = capture.counters(), list(frames_of(directory))
    assert counters["drops"]["disk"] > 0
    assert len(frames) == counters["packets"] > 20_000
    assert counters["packets"] + sum(counters["drops"].values()) == kernel_packets(wire.right, "right") - before
