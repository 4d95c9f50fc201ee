"""Which facts about the logs do operators see?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

RECORDS = Counter("kodkod_log_records", "Records accepted by the log store", ["dataset"])
REPLAYED = Counter("kodkod_log_records_replayed", "Records that were already stored", ["dataset"])
PARTS_DROPPED = Counter("kodkod_log_parts_dropped", "Parts dropped from the log store", ["dataset", "reason"])
INSERTS_FAILED = Counter("kodkod_log_inserts_failed", "Batches journalled but not inserted", ["dataset"])


def records_stored(dataset: str, stored: int, replayed: int) -> None:
    """Counters only: a line for each batch would say nothing new."""
    RECORDS.labels(dataset).inc(stored)
    REPLAYED.labels(dataset).inc(replayed)


def part_dropped(log: logging.Logger, dataset: str, reason: str, size_bytes: int, records: int) -> None:
    counter = PARTS_DROPPED.labels(dataset, reason)
    level = logging.WARNING if reason == "disk_bound" else logging.INFO
    fact(log, level, "log part dropped", counter, dataset=dataset, reason=reason, bytes=size_bytes, records=records)


def insert_failed(log: logging.Logger, dataset: str, error: BaseException) -> None:
    counter = INSERTS_FAILED.labels(dataset)
    fact(log, logging.ERROR, "journalled batch could not be inserted", counter, dataset=dataset, error=repr(error))
