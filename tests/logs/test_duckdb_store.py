"""Does the store on disk keep what it acknowledged, once, and drop only what is too old or too much?"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from kodkod.logs.datasets import EVENTS, FLOWS
from kodkod.logs.datasets.fields import values_of
from kodkod.logs.errors import BadCursor, BadSort, RecordRefused, StoreClosed
from kodkod.logs.query import EVERYTHING, bind, parse
from kodkod.logs.store import Axis, Order, Window
from kodkod.logs.stores import columns
from kodkod.logs.stores.columns import Rows
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.logs.stores.engine import Engine

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def flow(number: int) -> dict[str, Any]:
    return {"end_time": 1_700_000_000 + number, "num_flows": number, "source_namespace": "dev"}


async def numbers(store: DuckdbLogStore) -> list[int]:
    return [one.record["num_flows"] async for batch in store.scan("flows", EVERYTHING) for one in batch]


async def test_records_are_found_after_a_restart_sealed_or_not(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path, seal_rows=10)
    for start in range(0, 25, 5):
        await store.append("flows", [flow(number) for number in range(start, start + 5)], arrival=NOW)
    await store.close()
    store = await DuckdbLogStore.open(tmp_path, seal_rows=10)
    assert await numbers(store) == list(range(25))
    assert list((tmp_path / "flows" / "parts").glob("*.parquet"))
    await store.close()


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from kodkod.logs.stores import columns
from kodkod.logs.stores.columns import Rows
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.logs.stores.engine import Engine

async def write():
    store = await DuckdbLogStore.open(Path(sys.argv[1]), seal_rows=40)
    number = 0
    while True:
        records = [{"end_time": number, "num_flows": number}]
        await store.append("flows", records, arrival=datetime.now(UTC), batch=f"batch-{number}")
        print(number, flush=True)
        number += 1

asyncio.run(write())
"""


def killed_while_writing(folder: Path) -> int:
    """The last number that a writer was told is kept, before it was killed in mid-flight past several seals."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = -1
        while acknowledged < 130:
            acknowledged = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        return max([acknowledged, *(int(line) for line in process.stdout if line.endswith("\n"))])


async def test_what_was_acknowledged_survives_kill_9_and_a_replay_adds_nothing(tmp_path: Path) -> None:
    acknowledged = killed_while_writing(tmp_path)
    store = await DuckdbLogStore.open(tmp_path, seal_rows=40)
    found = await numbers(store)
    assert found[: acknowledged + 1] == list(range(acknowledged + 1))
    for number in range(len(found)):
        assert await store.append("flows", [flow(number)], arrival=NOW, batch=f"batch-{number}") == 0
    assert await numbers(store) == found
    await store.close()


async def test_an_event_is_stored_once_whatever_carries_it(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    event = {"id": "e1", "time": 1, "type": "global_alert"}
    assert await store.append("events", [event, event], arrival=NOW, batch="a") == 1
    assert await store.append("events", [event], arrival=NOW, batch="b") == 0
    await store.close()
    store = await DuckdbLogStore.open(tmp_path)
    assert await store.append("events", [event], arrival=NOW) == 0
    assert (await store.search("events", EVERYTHING)).total == 1
    await store.close()


async def test_a_torn_journal_loses_only_what_was_never_acknowledged(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    await store.append("flows", [flow(1)], arrival=NOW)
    await store.close()
    (journal,) = (tmp_path / "flows" / "journal").glob("*.journal")
    with journal.open("ab") as file:
        file.write(b"\x40\x00\x00\x00torn")
    store = await DuckdbLogStore.open(tmp_path)
    await store.append("flows", [flow(2)], arrival=NOW)
    await store.close()
    store = await DuckdbLogStore.open(tmp_path)
    assert await numbers(store) == [1, 2]
    await store.close()


async def test_old_parts_are_dropped_whole_and_counted(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path, seal_rows=2)
    for day in range(4):
        await store.append("flows", [flow(day)], arrival=NOW + timedelta(days=day))
    await store.maintain(NOW + timedelta(days=FLOWS.retention_days + 1, hours=12))
    assert await numbers(store) == [2, 3]
    assert (await store.usage())["flows"].dropped == {"expired": 2}
    await store.close()


async def test_the_disk_bound_drops_the_oldest_parts_and_says_so(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path, seal_rows=1, disk_bytes=1)
    for number in range(4):
        await store.append("flows", [flow(number)], arrival=NOW)
    await store.maintain(NOW)
    assert (await numbers(store))[-1] == 3
    assert (await store.usage())["flows"].dropped["disk_bound"] >= 1
    await store.close()


async def test_small_parts_of_a_day_become_one(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path, seal_rows=1)
    for number in range(20):
        await store.append("flows", [flow(number)], arrival=NOW)
    assert await numbers(store) == list(range(20))
    assert len(list((tmp_path / "flows" / "parts").glob("*.parquet"))) < 8
    await store.close()


async def test_parts_that_a_merge_left_behind_are_not_counted_twice(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path, seal_rows=1)
    for number in range(3):
        await store.append("flows", [flow(number)], arrival=NOW)
    await store.usage()
    left = {path.name: path.read_bytes() for path in (tmp_path / "flows" / "parts").glob("*.parquet")}
    for number in range(3, 12):
        await store.append("flows", [flow(number)], arrival=NOW)
    await store.close()
    for name, content in left.items():
        (tmp_path / "flows" / "parts" / name).write_bytes(content)
    store = await DuckdbLogStore.open(tmp_path, seal_rows=1)
    assert await numbers(store) == list(range(12))
    await store.close()


async def test_a_search_sees_every_append_that_began_before_it(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    appends = [asyncio.ensure_future(store.append("flows", [flow(number)], arrival=NOW)) for number in range(20)]
    await asyncio.sleep(0)
    assert (await store.search("flows", EVERYTHING)).total == 20
    await asyncio.gather(*appends)
    await store.close()


async def test_windows_by_arrival_are_half_open(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    for second in range(3):
        await store.append("flows", [flow(second)], arrival=NOW + timedelta(seconds=second))
    start = NOW.timestamp()
    page = await store.search("flows", EVERYTHING, window=Window(start + 1, start + 2, Axis.ARRIVAL))
    assert [one.record["num_flows"] for one in page.items] == [1]
    await store.close()


async def test_arrival_never_goes_back(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    await store.append("flows", [flow(0)], arrival=NOW)
    await store.append("flows", [flow(1)], arrival=NOW - timedelta(hours=1))
    arrivals = [one.arrival async for batch in store.scan("flows", EVERYTHING) for one in batch]
    assert arrivals == [NOW.timestamp()] * 2
    await store.close()


async def test_what_cannot_be_done_is_refused_by_name(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    with pytest.raises(BadCursor):
        await store.search("flows", EVERYTHING, cursor="bm9uc2Vuc2U")
    with pytest.raises(BadSort, match="several"):
        await store.search("flows", EVERYTHING, order=Order("dest_labels"))
    with pytest.raises(RecordRefused):
        await store.append("flows", [{"a": object()}], arrival=NOW)
    with pytest.raises(RecordRefused):
        await store.append("waf", [{}], arrival=NOW)
    await store.close()
    with pytest.raises(StoreClosed):
        await store.append("flows", [], arrival=NOW)


async def test_text_that_looks_like_sql_is_only_text(tmp_path: Path) -> None:
    store = await DuckdbLogStore.open(tmp_path)
    await store.append("events", [{"id": "'; DROP TABLE events_tail; --", "time": 1}], arrival=NOW)
    query = bind(parse('id = "\'; DROP TABLE events_tail; --" AND "record.x\'y" != "a"'), EVENTS)
    assert (await store.search("events", query)).total == 1
    await store.close()


async def test_what_waits_for_the_engine_is_inserted_together_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portions: list[int] = []
    plain = Engine.insert

    def counted(self: Engine, dataset: str, batches: Sequence[Rows]) -> None:
        portions.append(sum(map(len, batches)))
        plain(self, dataset, batches)

    monkeypatch.setattr(Engine, "insert", counted)
    store = await DuckdbLogStore.open(tmp_path)
    await store.append("flows", [flow(0)], arrival=NOW)
    await store.usage()
    busy = threading.Event()
    held = store._engine_thread.submit(busy.wait)
    for number in range(1, 30):
        await store.append("flows", [flow(number)], arrival=NOW)
    busy.set()
    held.result()
    assert await numbers(store) == list(range(30))
    await store.close()
    assert portions == [1, 29]


async def test_a_row_that_the_engine_refuses_costs_no_other_and_stays_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Engine.insert

    def picky(self: Engine, dataset: str, batches: Sequence[Rows]) -> None:
        if any(record["num_flows"] == 2 for rows in batches for record in rows.records):
            raise duckdb.ConversionException("no")
        plain(self, dataset, batches)

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "insert", picky)
        store = await DuckdbLogStore.open(tmp_path, seal_rows=4)
        await store.append("flows", [flow(number) for number in range(5)], arrival=NOW)
        await store.append("flows", [flow(5)], arrival=NOW)  # seals, were it not for the row that is missing
        assert await numbers(store) == [0, 1, 3, 4, 5]
        await store.close()
    store = await DuckdbLogStore.open(tmp_path, seal_rows=4)
    assert await numbers(store) == list(range(6))
    await store.close()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        pytest.param("source_name", ["a", None, 3, True, 1.5, ["x"], {"y": 1}], id="text"),
        pytest.param("num_flows", [1, 2.5, None, True, "7", "x", 2**60], id="number"),
        pytest.param("num_flows", [1, 2.5, None, 2**60], id="numbers only"),
        pytest.param("source_ip", ["10.0.0.1", "::1", "010.0.0.1", "x", None, 5], id="address"),
        pytest.param("action", ["ALLOW", "deny", "odd", None, 4], id="enum"),
        pytest.param("start_time", [1, "2026-01-01T00:00:00Z", "x", None, True], id="date"),
        pytest.param(
            "source_labels",
            [{"labels": ["a=b", "-"]}, {"labels": ["a=b", "-"]}, {"labels": []}, {"labels": [1, True]}, {"k": "v"},
             ["a=b"], "a=b", None, {"labels": None}, {"labels": [["a=b"]]}],
            id="labels",
        ),
    ],
)  # fmt: skip
def test_a_column_says_what_each_record_says_by_itself(field: str, values: list[Any]) -> None:
    records = [orjson.loads(orjson.dumps({field: value})) for value in values]
    bodies = [orjson.dumps(record) for record in records]
    (target,) = FLOWS.resolve(field)
    expected = [list(found) if target.many else found[0] for one in records if (found := values_of(target, one))]

    made = columns.table(FLOWS, [Rows(0, 1, None, records, bodies)])

    assert [cell for cell in made.column(target.name).to_pylist() if cell is not None] == expected
