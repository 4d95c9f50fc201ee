"""Where is the data of this host? The answer that every room below gives too."""

from __future__ import annotations

from kodkod.folders import cache_folder, data_folder

__all__ = ["cache_folder", "data_folder"]
