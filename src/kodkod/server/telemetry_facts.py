"""Which facts about ingest and live streams do operators see?"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

LINES_SKIPPED = Counter("kodkod_ingest_lines_skipped", "Lines that were no record", ["dataset", "reason"])
STREAMS = Gauge("kodkod_live_streams", "Open event streams")


def lines_skipped(dataset: str, skipped: Mapping[str, int]) -> None:
    for reason, lines in skipped.items():
        LINES_SKIPPED.labels(dataset, reason).inc(lines)
