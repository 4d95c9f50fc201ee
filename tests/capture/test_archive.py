"""A zip that was never written: it unpacks, and any range of it is known beforehand."""

from __future__ import annotations

import io
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kodkod.capture import archive
from kodkod.capture.archive import Archive, Entry

MODIFIED = datetime(2026, 11, 25, 12, 30, 14, tzinfo=UTC)
names = st.text(st.characters(exclude_characters="\0/\\", exclude_categories=["Cs"]), min_size=1, max_size=8)
contents = st.dictionaries(names, st.binary(max_size=60), max_size=4)


def archived(files: dict[str, bytes]) -> Archive[bytes]:
    return Archive([Entry(name, len(data), zlib.crc32(data), MODIFIED, data) for name, data in files.items()])


def read(made: Archive[bytes], begin: int, end: int) -> bytes:
    parts = made.pieces(begin, end)
    return b"".join(part if isinstance(part, bytes) else part.source[part.begin : part.end] for part in parts)


@given(contents)
def test_it_unpacks_to_the_files(files: dict[str, bytes]) -> None:
    made = archived(files)
    whole = read(made, 0, made.bytes)
    assert len(whole) == made.bytes
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in found.namelist()} == files
        assert all(one.date_time == (2026, 11, 25, 12, 30, 14) for one in found.infolist())


@given(contents, st.data())
def test_ranges_put_together_are_the_whole(files: dict[str, bytes], data: st.DataObject) -> None:
    made = archived(files)
    cut = data.draw(st.integers(0, made.bytes))
    assert read(made, 0, cut) + read(made, cut, made.bytes) == read(made, 0, made.bytes)
    assert len(read(made, cut, made.bytes)) == made.bytes - cut


def test_its_tag_changes_with_any_file() -> None:
    one = archived({"a": b"1"})
    assert one.etag == archived({"a": b"1"}).etag
    assert len({one.etag, archived({"a": b"2"}).etag, archived({"b": b"1"}).etag, archived({}).etag}) == 4


def test_very_many_files_are_counted_in_zip64(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the limit of plain zip made small."""
    plain = archived({"a": b"x" * 40, "b": b"y" * 40})
    monkeypatch.setattr(archive, "_MAX16", 1)
    made = archived({"a": b"x" * 40, "b": b"y" * 40})
    assert made.bytes == plain.bytes + 56 + 20
    path = tmp_path / "large.zip"
    path.write_bytes(read(made, 0, made.bytes))
    with zipfile.ZipFile(path) as found:
        assert found.namelist() == ["a", "b"]


def test_a_file_beyond_four_gibibytes_is_told_in_zip64(tmp_path: Path) -> None:
    size = 5 << 30
    big = Entry("big.pcap", size, 0, MODIFIED, b"")
    small = Entry("small.pcap", 3, zlib.crc32(b"abc"), MODIFIED, b"abc")
    made = Archive([big, small])
    path = tmp_path / "huge.zip"
    with path.open("wb") as out:  # a sparse file: the zeroes of the big one are never written
        for piece in made.pieces(0, made.bytes):
            if isinstance(piece, bytes):
                out.write(piece)
            elif piece.source:
                out.write(piece.source)
            else:
                out.seek(piece.end - piece.begin, 1)
    with zipfile.ZipFile(path) as found:
        assert [one.file_size for one in found.infolist()] == [size, 3]
        assert found.read("small.pcap") == b"abc"


def test_unzip_reads_it(tmp_path: Path) -> None:
    made = archived({"a.pcap": b"x" * 40, "b.pcap": b""})
    path = tmp_path / "files.zip"
    path.write_bytes(read(made, 0, made.bytes))
    try:
        done = subprocess.run(["unzip", "-t", str(path)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unzip on this machine")
    assert done.returncode == 0, done.stdout + done.stderr
