"""What does inspection tell operators? A function for each fact: its log line and its counter."""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

_log = logging.getLogger(__name__.rpartition(".")[0])

_rules_loaded = Counter("kodkod_inspection_rules_loaded", "Rule sets put in force.")
_rules_failed = Counter("kodkod_inspection_rules_failed", "Rule sets that could not be loaded.")
_engine_started = Counter("kodkod_inspection_engine_started", "Engines started, the first and each after new bounds.")
_status_failed = Counter("kodkod_inspection_status_failed", "Status writes of inspections that failed.")


def rules_loaded(digest: str, full: int, degraded: int, skipped: int) -> None:
    fact(
        _log,
        logging.INFO,
        "rules in force",
        _rules_loaded,
        digest=digest,
        full=full,
        degraded=degraded,
        skipped=skipped,
    )


def rules_failed(cause: str) -> None:
    fact(_log, logging.ERROR, "rules not loaded", _rules_failed, cause=cause)


def engine_started(workers: int, memory_bytes: int, cgroup: str) -> None:
    fact(
        _log,
        logging.INFO,
        "engine started",
        _engine_started,
        workers=workers,
        memory_bytes=memory_bytes,
        cgroup=cgroup,
    )


def status_failed(inspection: str, cause: str) -> None:
    fact(_log, logging.WARNING, "inspection status not written", _status_failed, inspection=inspection, cause=cause)
