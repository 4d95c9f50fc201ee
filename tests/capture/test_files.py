"""Capture files: names without a way out, snapshots that end with a whole packet, ids that survive rotation."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from kodkod.capture.files import Folder, Totals, UnsafeName, first_packet_ns, folders, whole_packets

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)


def packet(seconds: int, body: bytes) -> bytes:
    return struct.pack("<IIII", seconds, 5, len(body), len(body)) + body


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(str(tmp_path), "dev", "web")
    folder.path.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", "/etc", "A", "a\x00", "-a", "a" * 300, "a\n"])
def test_names_with_a_way_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeName):
        Folder(str(tmp_path), "dev", name)
    with pytest.raises(UnsafeName):
        Folder(str(tmp_path), name, "web")


def test_only_capture_files_are_listed_sorted(folder: Folder) -> None:
    for name in ("b_cali1.pcap", "b_cali1-20261125T100000.000001Z.pcap", "notes.txt", ".capture.json"):
        (folder.path / name).write_bytes(HEADER)
    (folder.path / "link.pcap").symlink_to("/etc/passwd")
    listed = folder.files()
    assert [stored.name for stored in listed] == ["b_cali1-20261125T100000.000001Z.pcap", "b_cali1.pcap"]
    assert [stored.active for stored in listed] == [False, True]


@pytest.mark.parametrize("cut", range(24 + 2 * (16 + 3) + 1))
def test_a_snapshot_ends_with_a_whole_packet_wherever_the_writer_is(folder: Folder, cut: int) -> None:
    whole = HEADER + packet(1, b"abc") + packet(2, b"def")
    path = folder.path / "a_cali1.pcap"
    path.write_bytes(whole[:cut])
    with path.open("rb") as handle:
        length = whole_packets(handle)
        assert handle.tell() == 0
    expected = max((end for end in (24, 43, 62) if end <= cut), default=0)
    assert length == expected


def test_a_file_is_found_by_its_id_after_it_was_rotated(folder: Folder) -> None:
    active = folder.path / "a_cali1.pcap"
    active.write_bytes(HEADER + packet(1, b"old"))
    (stored,) = folder.files(identify=True)
    active.rename(folder.path / "a_cali1-20261125T100000.000001Z.pcap")
    active.write_bytes(HEADER + packet(2, b"new"))
    handle, length = folder.open(stored.id)
    with handle:
        assert handle.read(length).endswith(b"old")


def test_a_discarded_file_is_not_mistaken_for_another(folder: Folder) -> None:
    active = folder.path / "a_cali1.pcap"
    active.write_bytes(HEADER + packet(1, b"old"))
    (stored,) = folder.files(identify=True)
    active.unlink()
    active.write_bytes(HEADER + packet(2, b"new"))
    with pytest.raises(FileNotFoundError):
        folder.open(stored.id)


def test_removing_leaves_what_is_not_ours(folder: Folder) -> None:
    folder.write_marker("u", Totals())
    (folder.path / "a_cali1.pcap").write_bytes(HEADER)
    (folder.path / "notes.txt").write_text("mine")
    folder.remove()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]


def test_markers_read_back(folder: Folder) -> None:
    totals = Totals(packets=3, bytes=90, drops={"kernel": 1}, first_packet_ns=5)
    folder.write_marker("uid-1", totals)
    assert folder.read_marker() == ("uid-1", totals)
    assert [found.path for found in folders(folder.base)] == [folder.path]


def test_a_damaged_marker_tells_nothing(folder: Folder) -> None:
    (folder.path / ".capture.json").write_text('{"uid": "a"')
    assert folder.read_marker() is None


def test_the_first_packets_time_is_read(folder: Folder) -> None:
    path = folder.path / "a_cali1.pcap"
    path.write_bytes(HEADER + packet(7, b"abc"))
    assert first_packet_ns(path) == 7_000_005_000
