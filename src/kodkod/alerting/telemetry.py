"""Which facts about alerts do operators see?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

RUNS = Counter("kodkod_alert_runs", "Executions of alerts", ["outcome"])
EVENTS = Counter("kodkod_alert_events", "Events written by alerts")
STATUS_FAILED = Counter("kodkod_alert_status_failed", "Statuses of alerts that could not be written")


def run_done(events: int) -> None:
    RUNS.labels("ok").inc()
    EVENTS.inc(events)


def run_failed(log: logging.Logger, name: str, error: Exception) -> None:
    fact(log, logging.WARNING, "alert did not run", RUNS.labels("failed"), alert=name, error=str(error))


def status_failed(log: logging.Logger, name: str, error: Exception) -> None:
    fact(log, logging.WARNING, "alert status not written", STATUS_FAILED, alert=name, error=str(error))
