"""What does the lab's daemon do with a sandbox that does not start, or that ends?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kodkod.lab import pod
from kodkod.lab.daemon import SLOW_STARTS_MAX, Daemon
from kodkod.lab.errors import CommandFailed, LabError, TooSlow
from kodkod.testing.clock import SimulatedClock


class Sandbox:
    """Runs until it is stopped, or ends at once."""

    def __init__(self, *, ends: bool) -> None:
        self._over = asyncio.Event()
        if ends:
            self._over.set()

    async def line(self) -> str:
        await self._over.wait()
        return ""

    async def stop(self) -> None:
        self._over.set()


class Host:
    """Gives one outcome after another for each start."""

    def __init__(self, *outcomes: LabError | Sandbox) -> None:
        self._outcomes = list(outcomes)
        self.starts = 0
        self.ends = 0
        self.standing = asyncio.Event()

    async def start(self) -> Sandbox:
        outcome = self._outcomes[min(self.starts, len(self._outcomes) - 1)]
        self.starts += 1
        if isinstance(outcome, LabError):
            raise outcome
        if self.starts == len(self._outcomes):
            self.standing.set()
        return outcome

    def ended(self) -> None:
        self.ends += 1


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod, "BACKOFF_S", (0.0,))


def kept(tmp_path: Path, host: Host) -> asyncio.Task[None]:
    daemon = Daemon(tmp_path, SimulatedClock())
    work = daemon._keep("dev_web", host.start, None, host.ended)  # type: ignore[arg-type]  # of a sandbox it needs two verbs
    return asyncio.create_task(work)


async def test_a_slow_start_is_tried_again_and_is_no_restart(tmp_path: Path) -> None:
    host = Host(TooSlow("dev_web", 20), TooSlow("dev_web", 20), Sandbox(ends=False))
    keeping = kept(tmp_path, host)
    await asyncio.wait_for(host.standing.wait(), 10)
    assert (host.starts, host.ends) == (3, 0)
    keeping.cancel()


async def test_what_is_always_too_slow_is_told(tmp_path: Path) -> None:
    host = Host(TooSlow("dev_web", 20))
    with pytest.raises(TooSlow, match="was not ready after 20 s"):
        await asyncio.wait_for(kept(tmp_path, host), 10)
    assert host.starts == SLOW_STARTS_MAX + 1


async def test_what_the_host_refuses_is_told_at_once(tmp_path: Path) -> None:
    host = Host(CommandFailed("ip link add", 2, "no"))
    with pytest.raises(CommandFailed):
        await asyncio.wait_for(kept(tmp_path, host), 10)
    assert host.starts == 1


async def test_a_sandbox_that_ends_is_started_again(tmp_path: Path) -> None:
    host = Host(Sandbox(ends=True), Sandbox(ends=False))
    keeping = kept(tmp_path, host)
    await asyncio.wait_for(host.standing.wait(), 10)
    assert (host.starts, host.ends) == (2, 1)
    keeping.cancel()
