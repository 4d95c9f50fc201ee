"""What does inspection tell operators?"""

from __future__ import annotations

import logging

from kodkod.telemetry import fact

log = logging.getLogger("kodkod.inspection")


def rules_loaded(digest: str, full: int, degraded: int, skipped: int) -> None:
    fact(log, logging.INFO, "rules loaded", digest=digest, full=full, degraded=degraded, skipped=skipped)
