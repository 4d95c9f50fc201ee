"""Writes for ever, and prints each name once its write is acknowledged; to be killed by `test_verbs.py`."""

import asyncio
import sys
import uuid

from kodkod.clock import SystemClock
from kodkod.resources import kinds
from kodkod.store.embedded import EmbeddedResources


async def write(resources: EmbeddedResources) -> None:
    while True:
        name = uuid.uuid4().hex
        await resources.create(kinds.GLOBAL_NETWORK_SET, {"metadata": {"name": name}, "spec": {"nets": ["10.0.0.1"]}})
        sys.stdout.write(name + "\n")
        sys.stdout.flush()


async def main() -> None:
    resources = EmbeddedResources(sys.argv[1], SystemClock())
    await resources.open()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(write(resources))


asyncio.run(main())
