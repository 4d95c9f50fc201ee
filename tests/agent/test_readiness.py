"""A file that is there exactly while the process is ready."""

from __future__ import annotations

import asyncio
from pathlib import Path

from kodkod.agent.readiness import ReadyFile
from kodkod.testing.waiting import until


async def test_the_file_follows_the_truth_and_goes_with_the_process(tmp_path: Path) -> None:
    file = tmp_path / "run" / "ready"
    file.parent.mkdir()
    file.write_text("of a process before us")
    truth = [False]

    async def exists() -> bool:
        return file.exists()

    kept = ReadyFile(file.parent)
    assert not file.exists()
    task = asyncio.ensure_future(kept.keep(lambda: truth[0]))
    for wanted in (True, False, True):
        truth[0] = wanted
        await until(exists, lambda found, wanted=wanted: found is wanted)  # type: ignore[misc]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not file.exists()
