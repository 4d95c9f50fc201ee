"""Which rule texts are behind this file, folder, archive or address?

Everything is read into memory within bounds and nothing is unpacked to disk: an archive's names never become paths.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from kodkod.cli import downloads

SUFFIX = ".rules"
CLASSIFICATION = "classification.config"
ARCHIVE_BYTES_MAX = 256 * 1024 * 1024
"""Unpacked texts together. The largest public set has 45 MB."""
FILE_BYTES_MAX = 128 * 1024 * 1024
MEMBERS_MAX = 20_000
ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar", ".zip", ".rules.gz", ".rules", ".gz")


ZIP = b"PK\x03\x04"
TAR_OFFSET = 257
PACKERS: dict[bytes, Callable[[io.BytesIO], io.BufferedIOBase]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError)


class OriginError(Exception):
    """It gives no usable texts. Trying again helps only where the text says so."""


def read(origin: str, *, allow_private: bool) -> dict[str, bytes]:
    """Rule texts and class files by a plain file name. Raises OriginError."""
    if origin.startswith(("http://", "https://")):
        try:
            content = downloads.fetch(origin, allow_private=allow_private)
        except downloads.DownloadError as error:
            raise OriginError(str(error)) from error
        return _wanted(origin, content)
    scheme = re.match(r"[a-z][a-z0-9+.-]*://", origin, re.IGNORECASE)
    if scheme is not None:
        raise OriginError(f"{origin}: only http:// and https:// are fetched, not {scheme[0]}; give a file or folder")
    path = Path(origin)
    try:
        if path.is_dir():
            return _named(origin, ((str(file.relative_to(path)), file.read_bytes()) for file in _folder(path)))
        if path.stat().st_size > ARCHIVE_BYTES_MAX:
            raise OriginError(f"{origin}: larger than {ARCHIVE_BYTES_MAX} bytes")
        return _wanted(origin, path.read_bytes())
    except OSError as error:
        raise OriginError(f"{origin}: {error.strerror or error}") from error


def set_name(origin: str) -> str:
    """A name for the set: the last part of where it came from, without its ending."""
    last = origin.partition("?")[0].rstrip("/").rpartition("/")[2].lower()
    ending = next((ending for ending in ENDINGS if last.endswith(ending)), "")
    name = re.sub(r"[^a-z0-9._-]+", "-", last.removesuffix(ending)).strip("-._")[:63]
    return name or "rules"


def _folder(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if _is_wanted(file.name) and file.is_file())


def _wanted(origin: str, content: bytes) -> dict[str, bytes]:
    try:
        return _named(origin, _members(origin, content))
    except (*DAMAGE, RuntimeError) as error:
        raise OriginError(f"{origin}: damaged archive: {error}; fetch it again") from error


def _members(origin: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if content.startswith(ZIP):
        return _zip_members(content)
    # Unpacked to its end first, so that a checksum has spoken before any member is believed.
    content = _unpacked(origin, content)
    if content[TAR_OFFSET:].startswith(b"ustar"):
        return _tar_members(content)
    if b"\0" in content:
        raise OriginError(
            f"{origin}: neither rule text nor an archive we know; give .rules, .tar, .zip, .gz, .bz2 or .xz"
        )
    return iter([(f"{set_name(origin)}{SUFFIX}", content)])


def _unpacked(origin: str, content: bytes) -> bytes:
    opener = next((opener for magic, opener in PACKERS.items() if content.startswith(magic)), None)
    if opener is None:
        return content
    with opener(io.BytesIO(content)) as packed:
        return _bounded(packed, origin, ARCHIVE_BYTES_MAX)


def _tar_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for number, member in enumerate(archive):
            _check_member(member.name, number)
            if member.isfile() and _is_wanted(member.name) and (file := archive.extractfile(member)) is not None:
                yield member.name, _bounded(file, member.name, FILE_BYTES_MAX)


def _zip_members(content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for number, member in enumerate(archive.infolist()):
            _check_member(member.filename, number)
            if not member.is_dir() and _is_wanted(member.filename):
                with archive.open(member) as file:
                    yield member.filename, _bounded(file, member.filename, FILE_BYTES_MAX)


def _check_member(name: str, number: int) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise OriginError(f"archive member {name!r} points outside: not a rule set to trust")
    if number >= MEMBERS_MAX:
        raise OriginError(f"more than {MEMBERS_MAX} members in the archive")


def _is_wanted(name: str) -> bool:
    base = PurePosixPath(name).name
    return not base.startswith(".") and (base.endswith(SUFFIX) or base == CLASSIFICATION)


def _bounded(file: IO[bytes] | io.BufferedIOBase, name: str, limit: int) -> bytes:
    content = file.read(limit + 1)
    if len(content) > limit:
        raise OriginError(f"{name}: larger than {limit} bytes unpacked")
    return content


def _named(origin: str, members: Iterator[tuple[str, bytes]]) -> dict[str, bytes]:
    """Give each text a plain, unique file name, and keep the sum in bounds."""
    texts: dict[str, bytes] = {}
    total = 0
    for name, content in members:
        total += len(content)
        if total > ARCHIVE_BYTES_MAX:
            raise OriginError(f"{origin}: more than {ARCHIVE_BYTES_MAX} bytes unpacked")
        base = PurePosixPath(name).name
        if base == CLASSIFICATION:
            texts[base] = texts.get(base, b"") + content + b"\n"
        else:
            texts[_free(base, texts)] = content
    if not any(name.endswith(SUFFIX) for name in texts):
        raise OriginError(f"{origin}: no *{SUFFIX} in it")
    return texts


def _free(base: str, taken: dict[str, bytes]) -> str:
    stem = base.removesuffix(SUFFIX)
    names = (f"{stem}{f'-{number}' if number else ''}{SUFFIX}" for number in range(MEMBERS_MAX + 1))
    return next(name for name in names if name not in taken)
