"""A supervised process is started again when it dies, and nothing outlives its supervisor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kodkod.cli import supervisor
from kodkod.cli.supervisor import AlreadyRunning, Child, Lock, backoff_s, holder


@pytest.mark.parametrize(
    ("previous", "ran_s", "expected"),
    [
        pytest.param(None, 0.1, 0.5, id="first death"),
        pytest.param(0.5, 0.1, 1.0, id="again at once"),
        pytest.param(12.0, 0.1, 15.0, id="never above the bound"),
        pytest.param(15.0, 11.0, 0.5, id="a steady run earns a fresh start"),
    ],
)
def test_backoff(previous: float | None, ran_s: float, expected: float) -> None:
    assert backoff_s(previous, ran_s) == expected


def test_one_supervisor_per_data_folder(tmp_path: Path) -> None:
    with Lock(tmp_path) as lock:
        lock.describe("127.0.0.1:9443")

        with pytest.raises(AlreadyRunning):
            Lock(tmp_path)

        found = holder(tmp_path)
    assert found is not None
    assert found.listen == "127.0.0.1:9443"


def test_nobody_holds_a_folder_whose_supervisor_is_gone(tmp_path: Path) -> None:
    with Lock(tmp_path) as lock:
        lock.describe("127.0.0.1:9443")

    assert holder(tmp_path) is None


async def test_a_dead_process_is_started_again_and_all_end_with_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    marks = tmp_path / "marks"
    marks.mkdir()
    script = f"import os, pathlib; pathlib.Path(r'{marks}', str(os.getpid())).touch()"
    monkeypatch.setattr(supervisor, "BACKOFF_FIRST_S", 0.01)
    monkeypatch.setattr(supervisor, "PROGRAM", ("-c",))
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.supervise([Child("short", (script,))], tmp_path, stop))

    while len(list(marks.iterdir())) < 2:
        assert not running.done()
        await asyncio.sleep(0.02)
    stop.set()
    await running

    assert (tmp_path / "run/short.log").exists()
