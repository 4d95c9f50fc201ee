"""Which files hold a data set, and which of them have to go? Sealed parts are immutable; they are dropped whole.

A part's name says what it holds, so no list of parts has to be kept in step with the folder:
`{first arrival µs}-{last arrival µs}-{first seq}-{last seq}.parquet`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kodkod.logs.store import Axis, Window

MICRO = 1_000_000
DAY_S = 86_400
MERGE_PARTS = 8  # small neighbours of one day that are worth one file
MERGE_ROWS_MAX = 500_000


@dataclass(frozen=True, slots=True)
class Part:
    path: Path
    first_us: int
    last_us: int
    first_seq: int
    last_seq: int
    bytes: int

    @property
    def rows_max(self) -> int:
        return self.last_seq - self.first_seq + 1

    @property
    def day(self) -> int:
        return self.last_us // MICRO // DAY_S


def file_name(first_us: int, last_us: int, first_seq: int, last_seq: int) -> str:
    return f"{first_us:016d}-{last_us:016d}-{first_seq:012d}-{last_seq:012d}.parquet"


def read(path: Path) -> Part:
    """The part in a file; ValueError if the name is none of ours."""
    first_us, last_us, first_seq, last_seq = (int(number) for number in path.stem.split("-"))
    return Part(path, first_us, last_us, first_seq, last_seq, path.stat().st_size)


def found_in(folder: Path) -> tuple[list[Part], list[Part]]:
    """(parts in order, parts that a merge has already swallowed and that a crash left behind)."""
    parts = sorted((read(path) for path in folder.glob("*.parquet")), key=lambda one: (one.first_seq, -one.last_seq))
    kept: list[Part] = []
    swallowed: list[Part] = []
    for part in parts:
        inside = bool(kept) and part.last_seq <= kept[-1].last_seq
        (swallowed if inside else kept).append(part)
    return kept, swallowed


def within(parts: Iterable[Part], window: Window) -> list[Part]:
    """The parts that can hold records of a window. Event times say nothing about files: all of them can."""
    if window.axis is not Axis.ARRIVAL:
        return list(parts)
    start = None if window.start is None else int(window.start * MICRO)
    end = None if window.end is None else window.end * MICRO
    return [part for part in parts if (start is None or part.last_us >= start) and (end is None or part.first_us < end)]


def expired(parts: Sequence[Part], *, now_s: float, retention_days: int) -> list[Part]:
    """Parts whose newest record is older than the retention."""
    limit = (now_s - retention_days * DAY_S) * MICRO
    return [part for part in parts if part.last_us < limit]


def over_budget(parts: Sequence[Part], bytes_max: int) -> list[Part]:
    """The oldest parts that have to go so that the others fit; the newest one always stays."""
    excess = sum(part.bytes for part in parts) - bytes_max
    going: list[Part] = []
    for part in parts[:-1]:
        if excess <= 0:
            break
        going.append(part)
        excess -= part.bytes
    return going


def to_merge(parts: Sequence[Part]) -> list[Part]:
    """The first run of small neighbours of one day that is worth one file."""
    run: list[Part] = []
    for part in parts:
        fits = not run or (
            part.day == run[0].day and sum(one.rows_max for one in run) + part.rows_max <= MERGE_ROWS_MAX
        )
        run = [*run, part] if fits else [part]
        if len(run) == MERGE_PARTS:
            return run
    return []
