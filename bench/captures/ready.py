"""Where are the measured captures? Made once, kept in `bench/data`, checked by size."""

from __future__ import annotations

import os
from pathlib import Path

from bench.captures import http, mixed

DATA = Path(__file__).parent.parent / "data"


def corpora() -> Path | None:
    """The folder of external rule sets and captures, if this machine has one."""
    named = os.environ.get("KODKOD_CORPORA")
    return Path(named) if named else None


def captures() -> dict[str, Path]:
    """Name and file of each capture that can be measured here; mixed-dev needs the corpora."""
    DATA.mkdir(exist_ok=True)
    found = {"http-500": made("http-500", http.write)}
    root = corpora()
    if root is None:
        print("mixed-dev skipped: KODKOD_CORPORA is not set")
    else:
        found["mixed-dev"] = made("mixed-dev", lambda path: mixed.write(root, path))
    return found


def made(name: str, write: object) -> Path:
    path = DATA / f"{name}.pcap"
    if not path.exists():
        print(f"making {name} (minutes, once) ...", flush=True)
        unfinished = path.with_suffix(".part")
        write(unfinished)  # type: ignore[operator]  # one of the two writers above
        unfinished.replace(path)
    return path
