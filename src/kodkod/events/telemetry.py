"""Which facts about events do operators see?"""

from __future__ import annotations

import logging

from prometheus_client import Counter

from kodkod.telemetry import fact

EXCEPTIONS_IGNORED = Counter("kodkod_alert_exceptions_ignored", "Stored AlertExceptions that cannot be read")


def exception_ignored(log: logging.Logger, name: str, error: Exception) -> None:
    fact(log, logging.WARNING, "alert exception ignored", EXCEPTIONS_IGNORED, name=name, error=str(error))
