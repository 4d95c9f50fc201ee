"""Where is the data of this host? One answer for every command (`KODKOD_DATA`, else by who asks)."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder(given: Path | None = None) -> Path:
    """The data folder: the option, `KODKOD_DATA`, `/var/lib/kodkod` as root, else `~/.local/share/kodkod`."""
    if given is not None:
        return given.resolve()
    if named := os.environ.get("KODKOD_DATA"):
        return Path(named).resolve()
    if os.geteuid() == 0:
        return Path("/var/lib/kodkod")
    return Path.home() / ".local/share/kodkod"


def cache_folder(data: Path | None = None) -> Path:
    """Where compiled rules are kept: `KODKOD_CACHE`, else `cache` in the data folder."""
    if named := os.environ.get("KODKOD_CACHE"):
        return Path(named).resolve()
    return data_folder(data) / "cache"
