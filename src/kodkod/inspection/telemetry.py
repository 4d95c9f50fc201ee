"""What does inspection tell operators?"""

from __future__ import annotations

import logging

from kodkod.telemetry import fact

log = logging.getLogger("kodkod.inspection")


def rules_loaded(digest: str, full: int, degraded: int, skipped: int) -> None:
    fact(log, logging.INFO, "rules loaded", digest=digest, full=full, degraded=degraded, skipped=skipped)


def status_not_written(error: str) -> None:
    """A status could not be written; the next look tries again."""
    log.warning("status not written", extra={"fields": {"error": error}})
