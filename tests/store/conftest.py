"""An embedded store on a simulated clock, with a namespace to work in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kodkod.resources import kinds
from kodkod.store.embedded import MEMORY, EmbeddedResources
from kodkod.testing.clock import SimulatedClock


@pytest.fixture
async def store() -> AsyncIterator[EmbeddedResources]:
    resources = EmbeddedResources(MEMORY, SimulatedClock())
    await resources.open()
    await resources.create(kinds.NAMESPACE, {"metadata": {"name": "dev"}})
    yield resources
    await resources.close()
