"""Is this process ready, for whoever only sees its files? A file `ready` in its run folder, there exactly while it is.

The kubelet's probe is `cat` on that file: no port, no certificate, and a process that is gone cannot lie, since a
container's run folder is emptied when it is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

NAME = "ready"
LOOK_S = 0.5


class ReadyFile:
    """Owns the file. One that a process before us left is removed at once."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the folder cannot be made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / NAME
        self._file.unlink(missing_ok=True)
        self._shown = False

    async def keep(self, is_ready: Callable[[], bool]) -> None:
        """Keep the file as the truth is, until cancelled; then it is removed. is_ready: must not block."""
        try:
            while True:
                self._show(is_ready())
                await asyncio.sleep(LOOK_S)
        finally:
            with contextlib.suppress(OSError):
                self._show(False)

    def _show(self, ready: bool) -> None:
        if ready and not self._shown:
            self._file.write_text("ready\n")
        elif self._shown and not ready:
            self._file.unlink(missing_ok=True)
        self._shown = ready
