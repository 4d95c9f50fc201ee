"""How fast are logs taken in and found on this machine? Flow records through the store on disk, as agents send them.

Run: `python bench/log_store.py [RECORDS]`; prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kodkod.logs.datasets import FLOWS
from kodkod.logs.query import EVERYTHING, bind, parse
from kodkod.logs.store import Axis, Grouping, Metric, Window
from kodkod.logs.stores.duckdb import DuckdbLogStore

RECORDS = 300_000
BATCH = 1_000


def flow(number: int) -> dict[str, Any]:
    """A record as the node writes it, with some thirty fields."""
    return {
        "start_time": 1_700_000_000 + number // 50, "end_time": 1_700_000_010 + number // 50,
        "host": f"node{number % 9}",
        "action": "deny" if number % 17 == 0 else "allow", "reporter": "src" if number % 2 else "dst", "proto": "tcp",
        "source_ip": f"10.{number % 7}.{number % 251}.{number % 199}", "source_port": 1_024 + number % 60_000,
        "source_name": f"web-{number % 300}", "source_name_aggr": f"web-{number % 20}-*",
        "source_namespace": f"ns{number % 12}", "source_type": "wep",
        "source_labels": {"labels": [f"app=a{number % 20}", "tier=web"]}, "dest_ip": f"10.9.{number % 199}.7",
        "dest_port": 443, "dest_name": f"db-{number % 90}", "dest_name_aggr": f"db-{number % 9}-*",
        "dest_namespace": "data", "dest_type": "wep", "dest_labels": {"labels": [f"app=db{number % 9}"]},
        "dest_service_name": "db", "dest_service_namespace": "data", "num_flows": 1 + number % 4,
        "num_flows_started": 1, "num_flows_completed": 1, "bytes_in": number % 9_000, "bytes_out": number % 70_000,
        "packets_in": 9, "packets_out": 8, "process_name": "-", "process_id": "-",
    }  # fmt: skip


async def timed(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return round((time.perf_counter() - started) * 1_000, 1)


def measure() -> list[dict[str, object]]:
    return [dict(asyncio.run(timings(RECORDS)))]


async def timings(records: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        store = await DuckdbLogStore.open(Path(folder))
        waits = []
        started = time.perf_counter()
        for first in range(0, records, BATCH):
            rows = [flow(number) for number in range(first, first + BATCH)]
            waits.append(await timed(store.append("flows", rows, arrival=datetime.now(UTC), batch=str(first))))
        await store.usage()  # every insert has been done
        took = time.perf_counter() - started
        narrow = bind(parse('source_namespace = ns3 AND "dest_labels.labels" = "app=db3" AND action = deny'), FLOWS)
        addresses = bind(parse('source_ip = "10.3.0.0/16"'), FLOWS)
        ask = Window(time.time() - 60, None, Axis.ARRIVAL)
        grouping = Grouping(("source_namespace", "source_name_aggr"), Metric.SUM, "num_flows")

        async def grouped() -> None:
            async for _ in store.aggregate("flows", EVERYTHING, grouping=grouping, window=ask):
                pass

        found = {
            "records": records,
            "ingest_records_per_s": round(records / took),
            "append_ms_median": sorted(waits)[len(waits) // 2],
            "append_ms_max": max(waits),
            "newest_100_ms": await timed(store.search("flows", EVERYTHING)),
            "narrow_search_ms": await timed(store.search("flows", narrow)),
            "cidr_search_ms": await timed(store.search("flows", addresses)),
            "group_sum_ms": await timed(grouped()),
            "bytes_per_record": round((await store.usage())["flows"].bytes / records, 1),
        }
        await store.close()
        reopening = time.perf_counter()
        store = await DuckdbLogStore.open(Path(folder))
        found["reopen_ms"] = round((time.perf_counter() - reopening) * 1_000, 1)
        await store.close()
        return found


if __name__ == "__main__":
    asked = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    print(json.dumps(asyncio.run(timings(asked)), indent=1))
