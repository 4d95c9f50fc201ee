"""How does a test wait? For a fact, never for a time: asks until it holds, and says what it saw last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S = 0.02


async def until(ask: Callable[[], Awaitable[T]], holds: Callable[[T], bool], *, within_s: float = 20) -> T:
    """The first answer for which it holds. AssertionError with the last answer when time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not holds(answer := await ask()):
        assert loop.time() < deadline, f"after {within_s} s still {answer!r}"
        await asyncio.sleep(PAUSE_S)
    return answer
