"""What was sent is what is on disk, across rotations, filters and trouble."""

from __future__ import annotations

import errno
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kodkod._core import Capture

PORT = 777
UDP_PORT = {"protocol": 17, "ports": [(PORT, PORT)]}


def packets_of(directory: Path) -> Iterator[bytes]:
    """Frames of all files, rotated ones first; read by hand, not by the code under test."""
    for path in sorted(directory.iterdir(), key=lambda path: (path.name == "pod_right.pcap", path.name)):
        content = path.read_bytes()
        assert struct.unpack("<IHH", content[:8]) == (0xA1B2C3D4, 2, 4)
        offset = 24
        while offset < len(content):
            captured = struct.unpack("<4I", content[offset : offset + 16])[2]
            yield content[offset + 16 : offset + 16 + captured]
            offset += 16 + captured
        assert offset == len(content)


def numbers_of(directory: Path) -> list[int]:
    return [int.from_bytes(frame[42:46], "big") for frame in packets_of(directory)]


def eventually(fact: Callable[[], bool], *, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.05)


def start(wire: Any, directory: Path, **changes: Any) -> Capture:
    fields: dict[str, Any] = {"filters": [UDP_PORT], "ring_bytes": 8 << 20, "max_files": 1000} | changes
    return Capture("right", netns=wire.right, directory=str(directory), stem="pod_right", **fields)


@pytest.mark.netns
def test_no_packet_is_lost_or_doubled_across_rotations(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path, max_size_bytes=50_000)
    wire.send_datagrams(PORT, 0, 5000)
    capture.flush()
    assert numbers_of(tmp_path) == list(range(5000))
    counters = capture.counters()
    assert counters["packets"] == 5000
    assert counters["drops"] == {"kernel": 0, "disk": 0}
    assert counters["rotated_files"] > 10
    assert sorted(counters["files"]) == sorted(path.name for path in tmp_path.iterdir())
    assert counters["file_bytes"] == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert max(path.stat().st_size for path in tmp_path.iterdir()) <= 50_000
    capture.close()
    assert numbers_of(tmp_path) == list(range(5000))


@pytest.mark.netns
def test_rotation_by_hand_during_traffic_keeps_everything(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path)
    for batch in range(5):
        wire.send_datagrams(PORT, batch * 100, 100)
        capture.flush()
        capture.rotate()
    capture.close()
    assert numbers_of(tmp_path) == list(range(500))
    assert capture.counters()["rotated_files"] == 5


@pytest.mark.netns
def test_a_stream_is_recorded_byte_by_byte(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path, filters=[{"protocol": 6}], max_size_bytes=1_000_000)
    listen = """
        import socket
        listener = socket.create_server(("10.9.0.2", 888))
        print("ready", flush=True)
        connection, _ = listener.accept()
        while connection.recv(1 << 16): pass
    """
    command = ["ip", "netns", "exec", wire.right, "python3", "-c", "\n".join(map(str.strip, listen.splitlines()))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        send = """
            import socket
            with socket.create_connection(("10.9.0.2", 888)) as s:
                s.sendall(b"".join(number.to_bytes(4, "big") for number in range(500_000)))
        """
        wire.run(wire.left, send)
        server.wait(20)
    capture.close()
    stream: dict[int, bytes] = {}
    for frame in packets_of(tmp_path):
        ports, sequence = frame[34:38], int.from_bytes(frame[38:42], "big")
        payload = frame[34 + (frame[46] >> 4) * 4 : 14 + int.from_bytes(frame[16:18], "big")]
        if ports[2:] == (888).to_bytes(2, "big") and payload:
            stream[sequence] = payload
    sent = b"".join(number.to_bytes(4, "big") for number in range(500_000))
    received, position = b"", min(stream)
    while position in stream:
        received += stream[position]
        position = (position + len(stream[position])) % (1 << 32)
    assert received == sent


@pytest.mark.netns
def test_an_earlier_process_s_file_is_rotated_first(wire: Any, tmp_path: Path) -> None:
    first = start(wire, tmp_path)
    wire.send_datagrams(PORT, 0, 10)
    first.close()
    second = start(wire, tmp_path)
    wire.send_datagrams(PORT, 10, 10)
    second.close()
    assert numbers_of(tmp_path) == list(range(20))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.netns
def test_only_the_newest_files_stay_and_limits_may_change(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path, max_size_bytes=10_000, max_files=2)
    wire.send_datagrams(PORT, 0, 1000)
    capture.flush()
    assert len(list(tmp_path.iterdir())) == 3
    assert capture.counters()["discarded_files"] > 0
    capture.set_limits(max_size_bytes=10_000, rotation_s=3600, max_files=1)
    assert len(list(tmp_path.iterdir())) == 2
    capture.close()
    assert numbers_of(tmp_path)[-1] == 999


@pytest.mark.netns
def test_a_file_is_rotated_by_age_without_packets(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path, rotation_s=1)
    wire.send_datagrams(PORT, 0, 10)
    eventually(lambda: capture.counters()["rotated_files"] == 1)
    assert [path.name for path in tmp_path.iterdir()] != ["pod_right.pcap"]
    capture.close()


@pytest.mark.netns
def test_without_matching_traffic_there_is_no_file(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path)
    wire.send_datagrams(PORT + 1, 0, 100)
    capture.flush()
    assert list(tmp_path.iterdir()) == []
    assert capture.counters()["first_packet_ns"] is None
    capture.close()


@pytest.mark.netns
def test_a_deleted_interface_is_an_error_and_the_file_stays(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path)
    wire.send_datagrams(PORT, 0, 10)
    capture.flush()
    assert capture.counters()["error"] is None
    subprocess.run(["ip", "-n", wire.right, "link", "del", "right"], check=True)
    eventually(lambda: capture.counters()["error"] == "the interface is gone")
    capture.close()
    assert numbers_of(tmp_path) == list(range(10))


@pytest.mark.netns
def test_a_vanished_file_is_replaced(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path)
    wire.send_datagrams(PORT, 0, 10)
    capture.flush()
    (tmp_path / "pod_right.pcap").unlink()
    eventually(lambda: capture.counters()["files"] == [])
    wire.send_datagrams(PORT, 10, 10)
    capture.close()
    assert numbers_of(tmp_path) == list(range(10, 20))


@pytest.mark.netns
def test_below_the_floor_packets_are_counted_and_the_reason_is_told(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path, min_free_bytes=1 << 62)
    wire.send_datagrams(PORT, 0, 10)
    capture.flush()
    counters = capture.counters()
    assert counters["drops"]["disk"] == 10
    assert counters["error"] is not None
    assert counters["error"].startswith("disk pressure")
    assert list(tmp_path.iterdir()) == []
    capture.close()


@pytest.mark.netns
def test_an_interface_that_is_not_there_is_refused(wire: Any, tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        Capture("nowhere", netns=wire.left, directory=str(tmp_path), stem="x")
    assert caught.value.errno == errno.ENODEV
    with pytest.raises(FileNotFoundError, match="kk-e4-nowhere"):
        Capture("left", netns="kk-e4-nowhere", directory=str(tmp_path), stem="x")


@pytest.mark.netns
@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"filters": [{"protocol": 1, "ports": [(1, 2)]}]}, "no ports"),
        ({"filters": [{"protocol": 6, "ports": [(9, 2)]}]}, "ends before it starts"),
        ({"filters": [{"protokoll": 6}]}, "protokoll"),
        ({"stem": "../x"}, "cannot start a file name"),
    ],
)
def test_what_makes_no_sense_is_a_value_error(
    wire: Any, tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    fields: dict[str, Any] = {"stem": "pod"} | changes
    with pytest.raises(ValueError, match=complaint):
        Capture("right", netns=wire.right, directory=str(tmp_path), **fields)


@pytest.mark.netns
def test_a_closed_capture_can_be_closed_again_and_obeys_no_more(wire: Any, tmp_path: Path) -> None:
    capture = start(wire, tmp_path)
    capture.close()
    capture.close()
    with pytest.raises(ValueError, match="closed"):
        capture.rotate()
