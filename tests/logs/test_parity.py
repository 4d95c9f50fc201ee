"""Does a query mean the same in memory and in DuckDB? Any records, any bound query: one answer (promise 8)."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kodkod.logs import lucene
from kodkod.logs.datasets import ALL, Dataset
from kodkod.logs.query import Bound, QueryError, bind, parse
from kodkod.logs.store import Group, Grouping, LogStore, Metric, Order, Stored
from kodkod.logs.stores.duckdb import DuckdbLogStore
from kodkod.logs.stores.memory import MemoryLogStore

NOW = datetime(2026, 11, 25, tzinfo=UTC)
WORDS = st.sampled_from(["dev", "uat", "a.b", "A", "-", "", "*", "x\x00y", "ü", "10.0.0.1", "app=nginx", "443", "é?"])
NUMBERS = st.one_of(st.integers(-5, 5), st.floats(-3, 3).map(lambda value: round(value, 2)))
ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.1.9", "2001:db8::1", "::ffff:10.0.0.1", "-", ""])
SCALARS = st.one_of(st.none(), WORDS, NUMBERS, ADDRESSES, st.booleans())
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3))

FLOWS = st.fixed_dictionaries(
    {},
    optional={
        "source_namespace": WORDS,
        "source_ip": ADDRESSES,
        "proto": st.sampled_from(["tcp", "TCP", "99", "udp"]),
        "num_flows": st.one_of(NUMBERS, WORDS, st.none()),
        "dest_port": VALUES,
        "end_time": st.one_of(st.integers(0, 9), st.just("1970-01-01T00:00:05Z"), WORDS),
        "dest_labels": st.one_of(
            st.fixed_dictionaries({"labels": st.lists(WORDS, max_size=3)}),
            st.lists(WORDS, max_size=3),
            st.just("-"),
            st.dictionaries(WORDS, WORDS, max_size=2),
        ),
        "dest_domains": VALUES,
        "nat_outgoing_ports": VALUES,
        "original_source_ips": st.lists(ADDRESSES, max_size=3),
        "policies": st.fixed_dictionaries({"enforced_policies": st.lists(WORDS, max_size=2)}),
    },
)
AUDITS = st.fixed_dictionaries(
    {},
    optional={
        "verb": st.sampled_from(["create", "GET", "odd"]),
        "objectRef": st.fixed_dictionaries({}, optional={"resource": WORDS, "namespace": WORDS}),
        "requestObject": st.dictionaries(st.sampled_from(["a", "b.c"]), VALUES, max_size=2),
        "sourceIPs": st.lists(ADDRESSES, max_size=2),
        "responseStatus": st.fixed_dictionaries({"code": NUMBERS}),
    },
)
RECORDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {"flows": FLOWS, "audit": AUDITS}
KEYS = {
    "flows": ["source_namespace", "source_ip", "proto", "num_flows", "dest_port", "end_time", "dest_labels",
              "dest_labels.app", "dest_domains", "nat_outgoing_ports", "original_source_ips", "policies"],
    "audit": ["verb", "objectRef.resource", "requestObject.a", "requestObject.b.c", "sourceIPs", "responseStatus.code"],
}  # fmt: skip
LITERALS = st.sampled_from(
    ["dev", "A", "-", "", "ü", "x\x00y", "tcp", "443", "2", "-1.5", "10.0.0.0/24", "10.0.0.1", "2001:db8::/32", "nginx",
     "app=nginx", "create", "1970-01-01T00:00:05Z"]
)  # fmt: skip
MEMBERS = st.one_of(LITERALS, st.sampled_from(["*", "?", "d*", "*=*", "*ng?nx", "", "x?y", "\\*"]))


def quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def selectors(dataset: str) -> st.SearchStrategy[str]:
    key = st.sampled_from(KEYS[dataset]).map(quoted)
    compare = st.tuples(key, st.sampled_from(["=", "!=", "<", ">=", ">"]), LITERALS.map(quoted)).map(" ".join)
    members = st.lists(MEMBERS.map(quoted), min_size=1, max_size=3).map(lambda found: "{" + ", ".join(found) + "}")
    within = st.tuples(key, st.sampled_from(["IN", "NOTIN"]), members).map(" ".join)
    return st.one_of(compare, within)


def queries(dataset: str) -> st.SearchStrategy[str]:
    return st.recursive(
        selectors(dataset),
        lambda inner: st.one_of(
            inner.map(lambda one: f"NOT ({one})"),
            st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(lambda three: f"({''.join(three)})"),
        ),
        max_leaves=4,
    )


def query_strings(dataset: str) -> st.SearchStrategy[str]:
    """As `_search` takes them."""
    word = st.one_of(LITERALS.map(quoted), st.sampled_from(["d*", "?", "a.b", "app", "nginx", "2", "*", "10.0.0.1"]))
    key = st.sampled_from(KEYS[dataset])
    named = st.one_of(
        st.tuples(key, word).map(":".join),
        key.map("_exists_:{}".format),
        st.tuples(key, st.sampled_from([">=1", "<5", "[1 TO 443]", "{2 TO *}", "now"])).map(":".join),
    )
    clause = st.tuples(st.sampled_from(["", "+", "-", "NOT "]), st.one_of(word, named)).map("".join)
    return st.lists(
        st.tuples(st.sampled_from([" ", " AND ", " OR "]), clause).map("".join), min_size=1, max_size=3
    ).map(lambda parts: "".join(parts).strip().removeprefix("AND ").removeprefix("OR "))


def orders(names: list[str]) -> st.SearchStrategy[Order]:
    key = st.builds(Order, st.sampled_from(names), st.booleans())
    return st.lists(key, min_size=1, max_size=3).map(
        lambda keys: Order(keys[0].field, keys[0].descending, tuple(keys[1:]))
    )


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


async def answers(store: LogStore, dataset: Dataset, records: list[dict[str, Any]], bound: Bound, order: Order) -> Any:
    half = len(records) // 2
    await store.append(dataset.name, records[:half], arrival=NOW)
    await store.append(dataset.name, records[half:], arrival=NOW)
    found: list[Stored] = []
    cursor = None
    while True:
        page = await store.search(dataset.name, bound, order=order, limit=2, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    groups: dict[str, list[Group]] = {}
    for key in KEYS[dataset.name]:
        if len(dataset.resolve(key)) == 1:
            counted = store.aggregate(dataset.name, bound, grouping=Grouping((key,), Metric.COUNT))
            groups[key] = [one async for batch in counted for one in batch]
    total = store.aggregate(dataset.name, bound, grouping=Grouping((), Metric.COUNT))
    scanned = [one async for batch in store.scan(dataset.name, bound) for one in batch]
    return page.total, found, groups, [one async for batch in total for one in batch], scanned


@pytest.mark.parametrize("name", ["flows", "audit"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_memory_and_duckdb_give_one_answer(name: str, data: st.DataObject, loop: asyncio.AbstractEventLoop) -> None:
    dataset = ALL[name]
    records = data.draw(st.lists(RECORDS[name], max_size=8))
    order = data.draw(orders([dataset.time, *(["num_flows", "source_ip"] if name == "flows" else ["verb"])]))
    try:
        if data.draw(st.booleans()):
            bound = bind(parse(data.draw(queries(name))), dataset)
        else:
            bound = lucene.bind(lucene.parse(data.draw(query_strings(name))), dataset, lucene.Manner(NOW))
    except QueryError:
        return

    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            disk = await DuckdbLogStore.open(Path(folder), seal_rows=3)
            try:
                expected = await answers(MemoryLogStore(), dataset, records, bound, order)
                assert await answers(disk, dataset, records, bound, order) == expected
            finally:
                await disk.close()

    loop.run_until_complete(both())
